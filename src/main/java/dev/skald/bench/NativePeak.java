package dev.skald.bench;

import dev.skald.compute.cpu.CpuProbe;
import dev.skald.tensor.DType;

/** The most multiply-adds that all threads do together, with the instruction that native kernels use for a type of weights. */
final class NativePeak {
    /** About 0.1 s: in a tenth of it two fresh threads were seen to share one core, which halves the result. */
    private static final long ROUNDS = 30_000_000;
    private static final int PASSES = 5;

    private NativePeak() {}

    /** @return 10⁹ multiply-adds per second */
    static double measure(CpuProbe probe, DType weights, int threads) throws InterruptedException {
        Samples rates = new Samples();
        for (int pass = 0; pass <= PASSES; pass++) {
            long[] done = new long[threads];
            long nanos = Threads.time(threads, i -> done[i] = probe.multiplyAdds(weights, ROUNDS));
            long all = 0;
            for (long each : done) all += each;
            if (pass > 0) rates.add((double) all / nanos);
        }
        return rates.median().orElseThrow();
    }
}
