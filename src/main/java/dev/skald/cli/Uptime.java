package dev.skald.cli;

import java.util.concurrent.TimeUnit;

/** How long this process has lived. */
final class Uptime {
    private Uptime() {}

    /** Since the operating system started it, to its own resolution: 10 ms on Linux. */
    static long nanos() {
        return ProcessHandle.current().info().startInstant()
                .map(start -> TimeUnit.MILLISECONDS.toNanos(Math.max(0, System.currentTimeMillis() - start.toEpochMilli())))
                .orElse(0L);
    }
}
