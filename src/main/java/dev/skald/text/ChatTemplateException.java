package dev.skald.text;

/** A model folder's chat template that can't be used: the message names the file, the place and what is wrong, in one sentence. */
public final class ChatTemplateException extends RuntimeException {
    public ChatTemplateException(String message, Throwable cause) {
        super(message, cause);
    }

    public ChatTemplateException(String message) {
        super(message);
    }
}
