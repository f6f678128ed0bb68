package dev.skald.batch;

/** A job that can't begin, or not go on: one sentence for whoever started it. */
public final class BatchException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public enum Kind {
        /** What was asked contradicts what is there. */
        REFUSED,
        /** The world is not as it would have to be. */
        FAILED,
        /** Nothing is lost; the same command goes on. */
        UNFINISHED
    }

    private final Kind kind;

    public BatchException(Kind kind, String sentence) {
        super(sentence);
        this.kind = kind;
    }

    public BatchException(Kind kind, String sentence, Throwable cause) {
        super(sentence, cause);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }
}
