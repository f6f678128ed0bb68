package dev.skald.cli;

/** Ends the program with one sentence on stderr. */
final class CliException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int exitCode;

    private CliException(int exitCode, String sentence) {
        super(sentence);
        this.exitCode = exitCode;
    }

    /** What was asked makes no sense. */
    static CliException askedWrongly(String sentence) {
        return new CliException(ExitCode.ASKED_WRONGLY, sentence);
    }

    /** The request makes sense, but the world is not as it would have to be. */
    static CliException failed(String sentence) {
        return new CliException(ExitCode.FAILED, sentence);
    }

    int exitCode() {
        return exitCode;
    }
}
