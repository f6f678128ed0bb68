package dev.skald.compute;

import dev.skald.tensor.Buffer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** {@link Ops#activate}: 5,632 gates per token. */
public class ActivateBenchmark extends OpBenchmark {
    @Param({"decode-1", "decode-16", "prefill-128"})
    public String batch;

    private Buffer gateUp;
    private Buffer out;

    @Override
    String batchName() {
        return batch;
    }

    @Override
    void allocate() {
        gateUp = filled(2 * INTERMEDIATE, 1);
        out = empty(INTERMEDIATE);
    }

    @Benchmark
    public void run() {
        ops.activate(Activation.SILU, gateUp, out);
    }
}
