package dev.skald.boot;

/** A model can't be started: one sentence for whoever asked for it. */
public final class StartException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public StartException(String sentence) {
        super(sentence);
    }

    public StartException(String sentence, Throwable cause) {
        super(sentence, cause);
    }
}
