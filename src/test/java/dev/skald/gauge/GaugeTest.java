package dev.skald.gauge;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.skald.boot.EngineOptions;
import dev.skald.boot.LocalEngine;
import dev.skald.schedule.FinishReason;
import dev.skald.service.Inference;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceRequest;
import dev.skald.service.Prompt;
import dev.skald.service.SamplingOptions;
import dev.skald.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.StreamSupport;
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
    private static final ObjectMapper JSON = new ObjectMapper();
    /** Cases of each file in `mvn verify`: every k-th, so that all groups are in it. */
    private static final int SAMPLE = 25;

    /** Fewer than the queue holds. */
    private static final int AT_ONCE = 512;

    /** Shares of right answers that may not be missed: the model's targets, less one point for another device or weight type. */
    private static final Map<String, Double> FLOOR = Map.of("sums", 0.98, "capitals", 0.98, "sentiment", 0.94, "second_turn", 0.97);

    @ParameterizedTest(name = "{1} on {0}")
    @CsvSource({"cpu, sums", "cpu, capitals", "cpu, sentiment", "cpu, second_turn", "reference, sums"})
    void aSampleIsAnsweredAsMeasured(String device, String task) throws Exception {
        // one miss more than the share allows: a sample this small has no finer steps
        run(device, task, sample(task), FLOOR.get(task) - 1.0 / SAMPLE);
    }

    @Tag("slow")
    @ParameterizedTest(name = "all of {1} on {0}")
    @CsvSource({"cpu, sums", "cpu, capitals", "cpu, sentiment", "cpu, second_turn"})
    void allCasesAreAnsweredAsMeasured(String device, String task) throws Exception {
        run(device, task, cases(task), FLOOR.get(task));
    }

    /** Of each task some cases, on the types that differ most in what they keep. */
    @ParameterizedTest(name = "{1} as {0}")
    @CsvSource({"Q4_0, sums", "Q2_K, capitals", "Q4_K, sentiment", "Q8_0, second_turn"})
    void aSampleOfAQuantisedModelIsAnsweredAsMeasured(DType type, String task) throws Exception {
        run("cpu", Optional.of(type), task, sample(task), FLOOR.get(task) - 1.0 / SAMPLE);
    }

    /** What the model itself reaches (its README), less one point, for each weight type. */
    @Tag("slow")
    @ParameterizedTest(name = "{0}")
    @EnumSource(names = {"Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "IQ4_NL", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"})
    void everyWeightTypeAnswersAllCasesAsMeasured(DType type) throws Exception {
        for (String task : List.of("sums", "capitals", "sentiment", "second_turn")) run("cpu", Optional.of(type), task, cases(task), FLOOR.get(task));
    }

    @ParameterizedTest(name = "{0} with a KV cache in Q8_0")
    @CsvSource({"sums", "second_turn"})
    void aSampleIsAnsweredAsMeasuredWithAQuantisedCache(String task) throws Exception {
        run("cpu", Optional.empty(), DType.Q8_0, task, sample(task), FLOOR.get(task) - 1.0 / SAMPLE);
    }

    @Tag("slow")
    @ParameterizedTest(name = "all of {0} with a KV cache in Q8_0")
    @CsvSource({"sums", "capitals", "sentiment", "second_turn"})
    void allCasesAreAnsweredAsMeasuredWithAQuantisedCache(String task) throws Exception {
        run("cpu", Optional.empty(), DType.Q8_0, task, cases(task), FLOOR.get(task));
    }

    private static void run(String device, String task, List<JsonNode> cases, double floor) throws Exception {
        run(device, Optional.empty(), task, cases, floor);
    }

    private static void run(String device, Optional<DType> type, String task, List<JsonNode> cases, double floor) throws Exception {
        run(device, type, EngineOptions.Cache.DEFAULT.kvCacheDtype(), task, cases, floor);
    }

    private static void run(String device, Optional<DType> type, DType kv, String task, List<JsonNode> cases, double floor) throws Exception {
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
        List<String> misses = new ArrayList<>();
        try (LocalEngine engine = LocalEngine.start(options)) {
            List<CompletableFuture<String>> answers = new ArrayList<>();
            Semaphore places = new Semaphore(AT_ONCE);
            for (JsonNode c : cases) {
                places.acquire();
                answers.add(ask(engine.inference(), c).whenComplete((answer, failure) -> places.release()));
            }
            for (int i = 0; i < cases.size(); i++) {
                String answer = answers.get(i).get(10, TimeUnit.MINUTES);
                String expected = cases.get(i).path("expect").asText();
                if (!answer.equals(expected)) misses.add(cases.get(i).path("id").asText() + ": \"" + answer + "\" for \"" + expected + "\"");
            }
        }
        double share = 1 - (double) misses.size() / cases.size();
        String weights = type.map(DType::name).orElse("as they are");
        System.out.printf("gauge %s on %s, weights %s, cache %s: %.2f %% of %d%n", task, device, weights, kv, 100 * share, cases.size());
        assertTrue(share >= floor, task + " on " + device + ", weights " + weights + ": " + share + " is below " + floor + "; " + misses);
    }

    /** The answer's text; an answer that does not end by itself is marked, so that it counts as wrong. */
    private static CompletableFuture<String> ask(Inference inference, JsonNode c) {
        CompletableFuture<String> answer = new CompletableFuture<>();
        StringBuilder text = new StringBuilder();
        InferenceRequest.Stopping stopping = new InferenceRequest.Stopping(
                OptionalInt.of(c.path("max_tokens").asInt(32)), 0, List.of(), List.of(), false, false);
        InferenceRequest request = new InferenceRequest(
                c.path("id").asText(), "", prompt(c), SamplingOptions.UNSET, stopping, InferenceRequest.Output.DEFAULT, 0, Optional.empty(),
                OptionalLong.empty(), "", false, false);
        inference.start(request, event -> {
            switch (event) {
                case InferenceEvent.Delta delta -> text.append(delta.text());
                case InferenceEvent.Finished finished -> {
                    if (finished.reason() != FinishReason.EOS) text.append(" [").append(finished.reason()).append(']');
                }
                case InferenceEvent.Completed completed -> answer.complete(text.toString().strip());
                case InferenceEvent.Failed failed -> answer.completeExceptionally(failed.cause());
                case InferenceEvent.Admitted admitted -> {}
                case InferenceEvent.Started started -> {}
                case InferenceEvent.PromptScored scored -> {}
            }
        });
        return answer;
    }

    private static Prompt prompt(JsonNode c) {
        if (c.has("prompt")) return new Prompt.Text(c.get("prompt").asText());
        return new Prompt.Chat(
                StreamSupport.stream(c.get("messages").spliterator(), false)
                        .map(m -> Prompt.Message.of(m.get("role").asText(), m.get("content").asText()))
                        .toList(),
                List.of(),
                Map.of(),
                false);
    }

    private static List<JsonNode> sample(String task) throws IOException {
        List<JsonNode> all = cases(task);
        List<JsonNode> sample = new ArrayList<>();
        for (int i = 0; i < SAMPLE; i++) sample.add(all.get((int) ((long) i * all.size() / SAMPLE)));
        return sample;
    }

    private static List<JsonNode> cases(String task) throws IOException {
        List<JsonNode> cases = new ArrayList<>();
        for (String line : Files.readAllLines(FOLDER.resolve("gauge").resolve(task + ".jsonl"))) cases.add(JSON.readTree(line));
        return cases;
    }
}
