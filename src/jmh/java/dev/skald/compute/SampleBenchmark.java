package dev.skald.compute;

import dev.skald.sampling.SamplingParams;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** {@link Ops#sample}: greedy, and each filter with temperature 0.8. */
public class SampleBenchmark extends LogitsBenchmark {
    @Param({"greedy", "temperature", "top_k", "top_p", "all"})
    public String filter;

    @Override
    SamplingParams sampling() {
        return switch (filter) {
            case "greedy" -> SamplingParams.GREEDY;
            case "temperature" -> drawn(0.8f, 0, 1, 0);
            case "top_k" -> drawn(0.8f, 40, 1, 0);
            case "top_p" -> drawn(0.8f, 0, 0.95f, 0);
            case "all" -> drawn(0.8f, 40, 0.95f, 0.05f);
            default -> throw new IllegalArgumentException("no filter " + filter);
        };
    }

    @Benchmark
    public void run() {
        ops.sample(logits, output);
    }
}
