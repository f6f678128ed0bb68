package dev.skald.gauge;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.boot.EngineOptions;
import dev.skald.boot.LocalEngine;
import dev.skald.gpucheck.Gauge;
import dev.skald.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * skald-mini's gauge through the whole engine: what the model answers on each device must be what its own evaluation measured, less at most
 * one point. Many cases run at once, so the batches are crowded and ragged.
 */
class GaugeTest {
    private static final Path FOLDER = Path.of("src/skald-mini");
    private static final Gauge GAUGE = new Gauge(FOLDER.resolve("gauge"));
    private static final int MINUTES = 10;
    /** Cases of each file in `mvn verify`: every k-th, so that all groups are in it. */
    private static final int SAMPLE = 25;

    @ParameterizedTest(name = "{1} on {0}")
    @CsvSource({"cpu, sums", "cpu, capitals", "cpu, sentiment", "cpu, second_turn", "reference, sums"})
    void aSampleIsAnsweredAsMeasured(String device, String task) throws Exception {
        // one miss more than the share allows: a sample this small has no finer steps
        run(device, task, sample(task), Gauge.FLOOR.get(task) - 1.0 / SAMPLE);
    }

    @Tag("slow")
    @ParameterizedTest(name = "all of {1} on {0}")
    @CsvSource({"cpu, sums", "cpu, capitals", "cpu, sentiment", "cpu, second_turn"})
    void allCasesAreAnsweredAsMeasured(String device, String task) throws Exception {
        run(device, task, cases(task), Gauge.FLOOR.get(task));
    }

    /** Of each task some cases, on the types that differ most in what they keep. */
    @ParameterizedTest(name = "{1} as {0}")
    @CsvSource({"Q4_0, sums", "Q2_K, capitals", "Q4_K, sentiment", "Q8_0, second_turn"})
    void aSampleOfAQuantisedModelIsAnsweredAsMeasured(DType type, String task) throws Exception {
        run("cpu", Optional.of(type), task, sample(task), Gauge.FLOOR.get(task) - 1.0 / SAMPLE);
    }

    /** What the model itself reaches (its README), less one point, for each weight type. */
    @Tag("slow")
    @ParameterizedTest(name = "{0}")
    @EnumSource(names = {"Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "IQ4_NL", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"})
    void everyWeightTypeAnswersAllCasesAsMeasured(DType type) throws Exception {
        for (String task : List.of("sums", "capitals", "sentiment", "second_turn")) run("cpu", Optional.of(type), task, cases(task), Gauge.FLOOR.get(task));
    }

    @ParameterizedTest(name = "{0} with a KV cache in Q8_0")
    @CsvSource({"sums", "second_turn"})
    void aSampleIsAnsweredAsMeasuredWithAQuantisedCache(String task) throws Exception {
        run("cpu", Optional.empty(), DType.Q8_0, task, sample(task), Gauge.FLOOR.get(task) - 1.0 / SAMPLE);
    }

    @Tag("slow")
    @ParameterizedTest(name = "all of {0} with a KV cache in Q8_0")
    @CsvSource({"sums", "capitals", "sentiment", "second_turn"})
    void allCasesAreAnsweredAsMeasuredWithAQuantisedCache(String task) throws Exception {
        run("cpu", Optional.empty(), DType.Q8_0, task, cases(task), Gauge.FLOOR.get(task));
    }

    private static void run(String device, String task, List<Gauge.Case> cases, double floor) throws Exception {
        run(device, Optional.empty(), task, cases, floor);
    }

    private static void run(String device, Optional<DType> type, String task, List<Gauge.Case> cases, double floor) throws Exception {
        run(device, type, EngineOptions.Cache.DEFAULT.kvCacheDtype(), task, cases, floor);
    }

    private static void run(String device, Optional<DType> type, DType kv, String task, List<Gauge.Case> cases, double floor) throws Exception {
        EngineOptions defaults = EngineOptions.of(FOLDER.resolve("model"));
        EngineOptions.Compute compute = new EngineOptions.Compute(
                EngineOptions.DeviceKind.valueOf(device.toUpperCase(java.util.Locale.ROOT)),
                EngineOptions.KernelKind.AUTO,
                OptionalInt.empty(),
                type,
                Optional.empty(),
                false);
        EngineOptions options = new EngineOptions(
                defaults.model(), Optional.empty(), Optional.empty(), compute, new EngineOptions.Cache(OptionalInt.empty(), OptionalLong.empty(), kv), defaults.limits());
        Gauge.Score score;
        try (LocalEngine engine = LocalEngine.start(options)) {
            score = Gauge.ask(engine.inference(), cases, MINUTES);
        }
        String weights = type.map(DType::name).orElse("as they are");
        System.out.printf("gauge %s on %s, weights %s, cache %s: %.2f %% of %d%n", task, device, weights, kv, 100 * score.share(), score.asked());
        assertTrue(score.share() >= floor, task + " on " + device + ", weights " + weights + ": " + score.share() + " is below " + floor + "; " + score.misses());
    }

    private static List<Gauge.Case> sample(String task) throws IOException {
        return GAUGE.sample(task, SAMPLE);
    }

    private static List<Gauge.Case> cases(String task) throws IOException {
        return GAUGE.cases(task);
    }
}
