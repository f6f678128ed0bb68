package dev.skald.compute;

import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** {@link Ops#linear}: gate and up, 11,264 × 2,048, the largest of a layer. */
public class LinearBenchmark extends OpBenchmark {
    @Param({"decode-1", "decode-16", "prefill-128"})
    public String batch;

    @Param({"F32", "F16", "BF16"})
    public DType dtype;

    private Weight weight;
    private Buffer in;
    private Buffer out;

    @Override
    String batchName() {
        return batch;
    }

    @Override
    void allocate() {
        weight = weight(WeightRole.LINEAR, dtype, 2 * INTERMEDIATE, HIDDEN, 0.02);
        in = filled(HIDDEN, 1);
        out = empty(2 * INTERMEDIATE);
    }

    @Benchmark
    public void run() {
        ops.linear(RowSet.TOKENS, weight, in, Epilogue.NONE, out);
    }
}
