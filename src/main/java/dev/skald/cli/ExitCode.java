package dev.skald.cli;

/** Scripts and orchestrators depend on these. */
final class ExitCode {
    static final int OK = 0;
    static final int FAILED = 1;
    static final int ASKED_WRONGLY = 2;
    // 3 is the JVM's own, when its heap is full.
    static final int DEVICE_LOST = 4;
    static final int INVARIANT_BROKEN = 5;
    /** A batch ended early; nothing is lost, and the same command goes on. */
    static final int UNFINISHED = 6;

    private ExitCode() {}
}
