package dev.skald.text;

/** A tokenizer that cannot be had: the message names the file and what is wrong with it, in one sentence. */
public final class TokenizerException extends RuntimeException {
    public TokenizerException(String message) {
        super(message);
    }

    public TokenizerException(String message, Throwable cause) {
        super(message, cause);
    }
}
