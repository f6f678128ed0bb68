package dev.skald.compute;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** {@link Ops#topLogprobs} of the token that was drawn. */
public class TopLogprobsBenchmark extends LogitsBenchmark {
    @Param({"0", "20"})
    public int top;

    @Override
    int top() {
        return top;
    }

    /** Draws once, so that there is a token to report on. */
    @Override
    void warmCache() {
        ops.sample(logits, output);
    }

    @Benchmark
    public void run() {
        ops.topLogprobs(logits, output);
    }
}
