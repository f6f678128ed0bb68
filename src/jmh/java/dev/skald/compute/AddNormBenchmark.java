package dev.skald.compute;

import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** {@link Ops#addNorm}: a row of 2,048 per token. */
public class AddNormBenchmark extends OpBenchmark {
    @Param({"decode-1", "decode-16", "prefill-128"})
    public String batch;

    private Weight weight;
    private Buffer x;
    private Buffer delta;
    private Buffer out;

    @Override
    String batchName() {
        return batch;
    }

    @Override
    void allocate() {
        weight = weight(WeightRole.VECTOR, DType.F32, 1, HIDDEN, 1);
        x = filled(HIDDEN, 1);
        delta = empty(HIDDEN); // zeros, so that x stays what it is however often they are added
        out = empty(HIDDEN);
    }

    @Benchmark
    public void run() {
        ops.addNorm(x, delta, weight, EPS, out);
    }
}
