package dev.skald.compute;

import dev.skald.sampling.SamplingParams;
import java.util.List;
import java.util.Map;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** {@link Ops#adjustLogits}: nothing to adjust, penalties, or a mask of allowed ids. */
public class AdjustLogitsBenchmark extends LogitsBenchmark {
    @Param({"none", "penalties", "allowed"})
    public String filter;

    @Override
    SamplingParams sampling() {
        return switch (filter) {
            case "none" -> SamplingParams.GREEDY;
            case "penalties" -> new SamplingParams(1, 0, 1, 0, 1.1f, 0.5f, 0.1f, Map.of(7, 1f), List.of(), List.of(List.of(1, 2, 3)));
            case "allowed" -> new SamplingParams(1, 0, 1, 0, 1, 0, 0, Map.of(), List.of(3, 70, 900, 12_000), List.of());
            default -> throw new IllegalArgumentException("no filter " + filter);
        };
    }

    @Benchmark
    public void run() {
        ops.adjustLogits(logits, adjusted);
    }
}
