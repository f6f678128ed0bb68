package dev.skald.compute;

import dev.skald.tensor.Buffer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** {@link Ops#gatherRows}: one row of 2,048 per sequence. */
public class GatherRowsBenchmark extends OpBenchmark {
    @Param({"decode-1", "decode-16", "prefill-128"})
    public String batch;

    private Buffer in;
    private Buffer out;

    @Override
    String batchName() {
        return batch;
    }

    @Override
    void allocate() {
        in = filled(HIDDEN, 1);
        out = empty(HIDDEN);
    }

    @Benchmark
    public void run() {
        ops.gatherRows(in, out);
    }
}
