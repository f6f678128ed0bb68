package dev.skald.compute;

import dev.skald.sampling.SamplingParams;
import dev.skald.tensor.Buffer;
import java.util.List;
import java.util.Map;
import org.openjdk.jmh.annotations.Param;

/** What the benchmarks of the sampling operations share: rows of normally distributed logits over a large vocabulary, a row per stream. */
public abstract class LogitsBenchmark extends OpBenchmark {
    @Param({"decode-1", "decode-16", "decode-64"})
    public String batch;

    @Param({"32000", "152064"})
    public int vocabulary;

    Buffer logits;
    Buffer adjusted;

    @Override
    String batchName() {
        return batch;
    }

    @Override
    int context() {
        return 2;
    }

    @Override
    int vocabulary() {
        return vocabulary;
    }

    @Override
    void allocate() {
        logits = filled(vocabulary, 4);
        adjusted = empty(vocabulary);
    }

    static SamplingParams drawn(float temperature, int topK, float topP, float minP) {
        return new SamplingParams(temperature, topK, topP, minP, 1, 0, 0, Map.of(), List.of(), List.of());
    }
}
