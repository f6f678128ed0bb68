package dev.skald.compute;

import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** {@link Ops#attention}: 32 query heads on 4 key/value heads of 64, F16 cache, one layer. */
public class AttentionBenchmark extends OpBenchmark {
    @Param({"decode-1", "decode-16", "prefill-128"})
    public String batch;

    @Param({"512", "4096"})
    public int context;

    private Weight ropeTable;
    private Buffer qkv;
    private Buffer out;

    @Override
    String batchName() {
        return batch;
    }

    @Override
    int context() {
        return context;
    }

    @Override
    void allocate() {
        ropeTable = weight(WeightRole.ROPE_TABLE, DType.F32, context, SHAPE.headDim(), 0.7);
        qkv = filled(SHAPE.qkvCols(), 1);
        out = empty(SHAPE.heads() * SHAPE.headDim());
    }

    @Override
    void warmCache() {
        ops.ropeStore(SHAPE, qkv, ropeTable, 0);
    }

    @Benchmark
    public void run() {
        ops.attention(SHAPE, qkv, 0, out);
    }
}
