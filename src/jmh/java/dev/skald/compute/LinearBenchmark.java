package dev.skald.compute;

import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/**
 * {@link Ops#linear}: gate and up, 11,264 × 2,048, the largest of a layer. One weight after the other of as many as no cache holds, as in a step. 23.07
 * million multiply-adds per row: with a score of t µs, rows · 23,069 / t is GMAC/s, and a weight's bytes / (1000 · t) is GB/s.
 */
public class LinearBenchmark extends OpBenchmark {
    private static final long BEYOND_CACHES = 256L << 20;

    @Param({"decode-1", "decode-16", "prefill-128"})
    public String batch;

    @Param({"F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_1", "Q4_K", "Q5_K", "Q6_K"})
    public DType dtype;

    private Weight[] weights;
    private Buffer in;
    private Buffer out;
    private int next;

    @Override
    String batchName() {
        return batch;
    }

    @Override
    void allocate() {
        Tensor tensor = tensor(dtype, Shape.of(2 * INTERMEDIATE, HIDDEN), 0.02);
        weights = new Weight[(int) Math.ceilDiv(BEYOND_CACHES, tensor.data().byteSize())];
        for (int i = 0; i < weights.length; i++) weights[i] = pack(WeightRole.LINEAR, tensor);
        in = filled(HIDDEN, 1);
        out = empty(2 * INTERMEDIATE);
    }

    @Benchmark
    public void run() {
        ops.linear(RowSet.TOKENS, weights[next], in, Epilogue.NONE, out);
        next = (next + 1) % weights.length;
    }
}
