package dev.skald.compute.cpu;

/**
 * How much work an item gets: enough to pay for taking it, little enough that the last one doesn't keep the others waiting, and with a
 * foreign thread on one of the cores not for long. Costs are estimates; results never depend on them.
 */
final class Chunks {
    /** Below this an operation runs on the calling thread alone: waking the others' attention costs about as much. */
    static final long ALONE_NANOS = 8_000;

    static final long TARGET_NANOS = 40_000;
    static final long LEAST_NANOS = 4_000;
    /** Items per thread that are wanted, so that the threads end together. */
    static final int PER_THREAD = 4;

    private Chunks() {}

    /** Units of an item. @return 1 … units @param nanosPerUnit on one thread */
    static int size(int units, double nanosPerUnit, int threads) {
        if (threads == 1 || units <= 1 || units * nanosPerUnit <= ALONE_NANOS) return Math.max(1, units);
        double size = Math.min(TARGET_NANOS / nanosPerUnit, (double) units / (threads * PER_THREAD));
        return (int) Math.clamp(Math.max(size, LEAST_NANOS / nanosPerUnit), 1, units);
    }
}
