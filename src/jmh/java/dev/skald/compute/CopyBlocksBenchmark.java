package dev.skald.compute;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** {@link Ops#copyBlocks}: one block per sequence, 16 tokens of 4 heads of 64 in F16, keys and values, in two layers: 32 KiB. */
public class CopyBlocksBenchmark extends OpBenchmark {
    @Param({"decode-1", "decode-16"})
    public String batch;

    @Override
    String batchName() {
        return batch;
    }

    @Override
    void allocate() {}

    @Benchmark
    public void run() {
        ops.copyBlocks();
    }
}
