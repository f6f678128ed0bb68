package dev.skald.compute;

import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** {@link Ops#ropeStore}: 32 query and 4 key heads of 64. Zeros, since queries are turned in place and any others would grow. */
public class RopeStoreBenchmark extends OpBenchmark {
    @Param({"decode-1", "decode-16", "prefill-128"})
    public String batch;

    private Weight table;
    private Buffer qkv;

    @Override
    String batchName() {
        return batch;
    }

    @Override
    void allocate() {
        table = weight(WeightRole.ROPE_TABLE, DType.F32, context(), SHAPE.headDim(), 0.7);
        qkv = filled(SHAPE.qkvCols(), 0);
    }

    @Benchmark
    public void run() {
        ops.ropeStore(SHAPE, qkv, table, 0);
    }
}
