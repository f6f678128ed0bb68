package dev.skald.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.sampling.SamplingParams;
import dev.skald.schedule.FinishReason;
import dev.skald.service.Inference;
import dev.skald.service.InferenceCall;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceException;
import dev.skald.service.InferenceObserver;
import dev.skald.service.InferenceRequest;
import dev.skald.service.ModelInfo;
import dev.skald.service.Prompt;
import dev.skald.service.TokenizedText;
import java.time.Duration;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class LoadGeneratorTest {
    private static final int VOCABULARY = 30;

    /** Answers every request with deltas of one, then two tokens, on other threads; refuses each whose number is in a set. */
    private static final class FakeInference implements Inference {
        final Set<InferenceRequest> requests = Collections.synchronizedSet(new HashSet<>());
        final AtomicInteger most = new AtomicInteger();
        private final AtomicInteger running = new AtomicInteger();
        private final ExecutorService workers = Executors.newCachedThreadPool();
        private final Set<Integer> refused;
        /** The first answers wait for each other, which shows how many run at once. */
        private final CountDownLatch together;

        FakeInference(Set<Integer> refused, int together) {
            this.refused = refused;
            this.together = new CountDownLatch(together);
        }

        @Override
        public InferenceCall start(InferenceRequest request, InferenceObserver observer) {
            requests.add(request);
            most.accumulateAndGet(running.incrementAndGet(), Math::max);
            workers.execute(() -> answer(request, observer));
            return new NoCall();
        }

        private void answer(InferenceRequest request, InferenceObserver observer) {
            together.countDown();
            try {
                together.await();
            } catch (InterruptedException e) {
                return; // the test is over
            }
            int number = Integer.parseInt(request.id().substring(request.id().lastIndexOf('-') + 1));
            running.decrementAndGet();
            if (refused.contains(number)) {
                InferenceException cause =
                        new InferenceException(InferenceException.Kind.RESOURCE_EXHAUSTED, "QUEUE_FULL", "", "the queue is full", Optional.empty());
                observer.onEvent(new InferenceEvent.Failed(cause, InferenceEvent.Usage.NONE));
                return;
            }
            int left = request.stopping().maxTokens().orElseThrow();
            observer.onEvent(new InferenceEvent.Delta(0, "", List.of(), List.of()));
            observer.onEvent(new InferenceEvent.Delta(0, "a", List.of(1), List.of()));
            for (left--; left > 0; left -= 2) observer.onEvent(new InferenceEvent.Delta(0, "bc", left > 1 ? List.of(1, 2) : List.of(1), List.of()));
            observer.onEvent(new InferenceEvent.Finished(0, FinishReason.LENGTH, OptionalInt.empty(), Optional.empty()));
            observer.onEvent(new InferenceEvent.Completed(
                    InferenceEvent.Usage.NONE, new InferenceEvent.Timings(Duration.ZERO, Duration.ZERO, Duration.ZERO, 0)));
        }

        @Override
        public ModelInfo model() {
            return new ModelInfo("fake", "llama", 1, "F32", 100, VOCABULARY, SamplingParams.GREEDY, false, "f");
        }

        @Override
        public TokenizedText tokenize(String text, boolean addSpecial) {
            throw new AssertionError("a load is in token ids");
        }

        @Override
        public String detokenize(List<Integer> ids, boolean skipSpecial) {
            throw new AssertionError("a load is in token ids");
        }

        @Override
        public String applyTemplate(Prompt.Chat chat) {
            throw new AssertionError("a load is in token ids");
        }

        @Override
        public void close() {
            workers.shutdownNow();
        }
    }

    private static final class NoCall implements InferenceCall {
        @Override
        public void cancel() {}

        @Override
        public void pause() {}

        @Override
        public void resume() {}
    }

    @Test
    void every_request_is_sent_once_by_as_many_clients_as_asked_for() throws InterruptedException {
        try (FakeInference inference = new FakeInference(Set.of(), 4)) {
            LoadReport report = new LoadGenerator(inference, new LoadSettings(4, 9, 6, 20, 3)).run();
            assertEquals(20, report.completed());
            assertEquals(0, report.failed());
            assertEquals(20 * 6, report.generatedTokens());
            assertEquals(20, inference.requests.size());
            assertEquals(4, inference.most.get());
            assertTrue(report.tokensPerSecond() > 0);
            assertTrue(report.ttftMillis().p50().isPresent() && report.itlMillis().p95().isPresent());
            for (InferenceRequest request : inference.requests) {
                List<Integer> ids = ((Prompt.TokenIds) request.prompt()).ids();
                assertEquals(9, ids.size());
                assertTrue(ids.stream().allMatch(id -> id >= 0 && id < VOCABULARY));
                assertTrue(request.stopping().ignoreEos());
            }
        }
    }

    @Test
    void the_same_seed_draws_the_same_prompts_and_no_two_are_alike() throws InterruptedException {
        assertEquals(prompts(2, 7), prompts(5, 7));
        assertEquals(15, prompts(2, 7).size());
        Set<String> both = new TreeSet<>(prompts(2, 7));
        both.addAll(prompts(2, 8));
        assertEquals(30, both.size());
    }

    @Test
    void refused_requests_are_counted_by_status_and_the_rest_goes_on() throws InterruptedException {
        try (FakeInference inference = new FakeInference(Set.of(0, 5, 11), 1)) {
            LoadReport report = new LoadGenerator(inference, new LoadSettings(3, 2, 4, 12, 3)).run();
            assertEquals(9, report.completed());
            assertEquals(3, report.failed());
            assertEquals(Map.of(InferenceException.Kind.RESOURCE_EXHAUSTED, 3), report.errors());
            assertEquals("the queue is full", report.firstError());
            assertEquals(Map.of("resource_exhausted", 3), report.fields().get("errors"));
            assertEquals(9 * 4, report.generatedTokens());
        }
    }

    @Test
    void nothing_measured_is_null_and_not_zero() throws InterruptedException {
        try (FakeInference inference = new FakeInference(Set.of(0), 1)) {
            LoadReport report = new LoadGenerator(inference, new LoadSettings(1, 2, 4, 1, 3)).run();
            assertTrue(report.fields().containsKey("ttft_ms_p50"));
            assertEquals(null, report.fields().get("ttft_ms_p50"));
            assertEquals(0.0, report.fields().get("generated_tokens_per_s"));
        }
    }

    @Test
    void settings_name_the_flag_that_is_wrong() {
        assertThrows(IllegalArgumentException.class, () -> new LoadSettings(0, 1, 1, 1, 0));
        assertThrows(IllegalArgumentException.class, () -> new LoadSettings(1, 0, 1, 1, 0));
        assertThrows(IllegalArgumentException.class, () -> new LoadSettings(1, 1, 0, 1, 0));
        assertThrows(IllegalArgumentException.class, () -> new LoadSettings(1, 1, 1, 0, 0));
    }

    private static Set<String> prompts(int clients, long seed) throws InterruptedException {
        try (FakeInference inference = new FakeInference(Set.of(), 1)) {
            new LoadGenerator(inference, new LoadSettings(clients, 12, 1, 15, seed)).run();
            Set<String> prompts = new TreeSet<>();
            for (InferenceRequest request : inference.requests) prompts.add(((Prompt.TokenIds) request.prompt()).ids().toString());
            return prompts;
        }
    }
}
