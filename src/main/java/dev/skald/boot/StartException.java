package dev.skald.boot;

/** A model can't be started: one sentence for whoever asked for it. */
public final class StartException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean askedWrongly;

    public StartException(String sentence) {
        super(sentence);
        askedWrongly = false;
    }

    public StartException(String sentence, Throwable cause) {
        this(sentence, cause, false);
    }

    private StartException(String sentence, Throwable cause, boolean askedWrongly) {
        super(sentence, cause);
        this.askedWrongly = askedWrongly;
    }

    /** A device was asked for by name that this machine does not have. */
    static StartException noSuchDevice(String sentence, Throwable cause) {
        return new StartException(sentence, cause, true);
    }

    /** What was asked for contradicts itself. */
    static StartException askedWrongly(String sentence) {
        return new StartException(sentence, null, true);
    }

    /** Whether asking for something else would help, and nothing else would. */
    public boolean askedWrongly() {
        return askedWrongly;
    }
}
