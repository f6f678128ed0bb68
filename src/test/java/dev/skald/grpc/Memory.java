package dev.skald.grpc;

import io.netty.util.internal.PlatformDependent;

/** What the process holds: live heap, and Netty's memory outside it. */
final class Memory {
    private Memory() {}

    static long liveBytes() {
        for (int i = 0; i < 3; i++) System.gc();
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory() + Math.max(0, PlatformDependent.usedDirectMemory());
    }
}
