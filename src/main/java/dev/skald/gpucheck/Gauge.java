package dev.skald.gpucheck;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.skald.schedule.FinishReason;
import dev.skald.service.Inference;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceRequest;
import dev.skald.service.Prompt;
import dev.skald.service.SamplingOptions;
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
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.StreamSupport;

/**
 * skald-mini's gauge through the whole engine: questions whose answers are known. Many cases run at once, so the batches are crowded and ragged.
 *
 * @param folder with a file for each task
 */
public record Gauge(Path folder) {
    /** Shares of right answers that may not be missed: the model's targets, less one point for another device or weight type. */
    public static final Map<String, Double> FLOOR = Map.of("sums", 0.98, "capitals", 0.98, "sentiment", 0.94, "second_turn", 0.97);

    /** In the order in which they are asked. */
    public static final List<String> TASKS = List.of("sums", "capitals", "sentiment", "second_turn");

    private static final ObjectMapper JSON = new ObjectMapper();
    /** Fewer than the queue holds. */
    private static final int AT_ONCE = 512;

    /** @param prompt @param expected the whole answer @param maxTokens in which it must end by itself */
    public record Case(String id, Prompt prompt, String expected, int maxTokens) {}

    /** @param asked cases @param misses one sentence for each wrong answer */
    public record Score(int asked, List<String> misses) {
        /** Of right answers. */
        public double share() {
            return 1 - (double) misses.size() / asked;
        }
    }

    /** All cases of a task. */
    public List<Case> cases(String task) throws IOException {
        List<Case> cases = new ArrayList<>();
        for (String line : Files.readAllLines(folder.resolve(task + ".jsonl"))) {
            JsonNode c = JSON.readTree(line);
            cases.add(new Case(c.path("id").asText(), prompt(c), c.path("expect").asText(), c.path("max_tokens").asInt(32)));
        }
        return cases;
    }

    /** Some of them: every k-th, so that all groups are in it. */
    public List<Case> sample(String task, int size) throws IOException {
        List<Case> all = cases(task);
        List<Case> sample = new ArrayList<>();
        for (int i = 0; i < size; i++) sample.add(all.get((int) ((long) i * all.size() / size)));
        return sample;
    }

    /** Asks them all. @throws TimeoutException if an answer does not come for so many minutes */
    public static Score ask(Inference inference, List<Case> cases, int minutes) throws InterruptedException, ExecutionException, TimeoutException {
        List<CompletableFuture<String>> answers = new ArrayList<>();
        Semaphore places = new Semaphore(AT_ONCE);
        for (Case c : cases) {
            if (!places.tryAcquire(minutes, TimeUnit.MINUTES)) throw new TimeoutException("no answer within " + minutes + " minutes");
            answers.add(ask(inference, c).whenComplete((answer, failure) -> places.release()));
        }
        List<String> misses = new ArrayList<>();
        for (int i = 0; i < cases.size(); i++) {
            String answer = answers.get(i).get(minutes, TimeUnit.MINUTES);
            String expected = cases.get(i).expected();
            if (!answer.equals(expected)) misses.add(cases.get(i).id() + ": \"" + answer + "\" for \"" + expected + "\"");
        }
        return new Score(cases.size(), misses);
    }

    /** The answer's text; an answer that does not end by itself is marked, so that it counts as wrong. */
    private static CompletableFuture<String> ask(Inference inference, Case c) {
        CompletableFuture<String> answer = new CompletableFuture<>();
        StringBuilder text = new StringBuilder();
        InferenceRequest.Stopping stopping = new InferenceRequest.Stopping(OptionalInt.of(c.maxTokens()), 0, List.of(), List.of(), false, false);
        InferenceRequest request = new InferenceRequest(
                c.id(), "", c.prompt(), SamplingOptions.UNSET, stopping, InferenceRequest.Output.DEFAULT, 0, Optional.empty(), OptionalLong.empty(), "", false, false);
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
}
