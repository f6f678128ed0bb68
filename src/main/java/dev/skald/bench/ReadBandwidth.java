package dev.skald.bench;

import dev.skald.compute.HostMemory;
import dev.skald.compute.cpu.CpuProbe;
import dev.skald.compute.cpu.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * The machine's memory read bandwidth: all threads read a buffer far larger than the caches. With native
 * kernels it is they that read. Else one 8-byte load per 64-byte line moves the line; that loop reaches 80 to 85 % of what theirs does.
 * The buffer lies in huge pages like weights do, and lives during
 * {@link #measure} only.
 */
final class ReadBandwidth {
    private static final long WANTED = 1L << 30;
    private static final long LEAST = 1L << 26;
    private static final int CHUNK = 1 << 18;
    private static final int PASSES = 5;

    private ReadBandwidth() {}

    /** Median of a few passes, after one that warms up. @return 10⁹ bytes per second */
    static double measure(int threads, Optional<CpuProbe> probe) throws InterruptedException {
        return measure(threads, Math.clamp(HostMemory.freeBytes() / 8, LEAST, WANTED), probe);
    }

    static double measure(int threads, long bytes, Optional<CpuProbe> probe) throws InterruptedException {
        long part = bytes / threads / CHUNK * CHUNK;
        if (part == 0) throw new IllegalArgumentException(bytes + " bytes are too few for " + threads + " threads");
        try (NativeMemory memory = new NativeMemory()) {
            MemorySegment buffer = memory.allocate(part * threads);
            // Written by the threads that read it, so that its pages lie near them.
            Threads.time(threads, i -> {
                buffer.asSlice(i * part, part).fill((byte) (i + 1));
                return 0;
            });
            Samples rates = new Samples();
            for (int pass = 0; pass <= PASSES; pass++) {
                long nanos = Threads.time(threads, i -> read(probe, buffer.asSlice(i * part, part)));
                if (pass > 0) rates.add((double) part * threads / nanos);
            }
            return rates.median().orElseThrow();
        }
    }

    private static long read(Optional<CpuProbe> probe, MemorySegment part) {
        if (probe.isPresent()) return probe.get().read(part);
        long sum = 0;
        for (long at = 0; at < part.byteSize(); at += CHUNK) sum += readChunk(part, at);
        return sum;
    }

    private static long readChunk(MemorySegment buffer, long from) {
        long a = 0;
        long b = 0;
        long c = 0;
        long d = 0;
        for (long at = from; at < from + CHUNK; at += 256) {
            a += buffer.get(ValueLayout.JAVA_LONG, at);
            b += buffer.get(ValueLayout.JAVA_LONG, at + 64);
            c += buffer.get(ValueLayout.JAVA_LONG, at + 128);
            d += buffer.get(ValueLayout.JAVA_LONG, at + 192);
        }
        return a + b + c + d;
    }
}
