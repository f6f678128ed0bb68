package dev.skald.compute;

import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** {@link Ops#attention}: query heads on key/value heads of a size (those of TinyLlama, of Llama 2 7B, of skald-mini), F16 cache, one layer. */
public class AttentionBenchmark extends OpBenchmark {
    @Param({"decode-1", "decode-16", "prefill-128"})
    public String batch;

    @Param({"512", "4096"})
    public int context;

    @Param({"32/4x64", "32/32x128", "8/4x32"})
    public String heads;

    private AttentionShape shape;
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
    AttentionShape shape() {
        if (shape == null) {
            String[] sizes = heads.split("[/x]");
            int headDim = Integer.parseInt(sizes[2]);
            shape = new AttentionShape(Integer.parseInt(sizes[0]), Integer.parseInt(sizes[1]), headDim, (float) (1 / Math.sqrt(headDim)));
        }
        return shape;
    }

    @Override
    void allocate() {
        ropeTable = weight(WeightRole.ROPE_TABLE, DType.F32, context, shape.headDim(), 0.7);
        qkv = filled(shape.qkvCols(), 1);
        out = empty(shape.heads() * shape.headDim());
    }

    @Override
    void warmCache() {
        ops.ropeStore(shape, qkv, ropeTable, 0);
    }

    @Benchmark
    public void run() {
        ops.attention(shape, qkv, 0, out);
    }
}
