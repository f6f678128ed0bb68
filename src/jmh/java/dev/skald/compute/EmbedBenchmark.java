package dev.skald.compute;

import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** {@link Ops#embed}: a row of 2,048 per token. */
public class EmbedBenchmark extends OpBenchmark {
    @Param({"decode-1", "decode-16", "prefill-128"})
    public String batch;

    private Weight table;
    private Buffer x;

    @Override
    String batchName() {
        return batch;
    }

    @Override
    void allocate() {
        table = weight(WeightRole.EMBEDDING, DType.BF16, vocabulary(), HIDDEN, 1);
        x = empty(HIDDEN);
    }

    @Benchmark
    public void run() {
        ops.embed(table, x);
    }
}
