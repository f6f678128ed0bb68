package dev.skald.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.sampling.SamplingParams;
import dev.skald.service.InferenceEvent.ScoredToken;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Scores over an Inference whose tokens merge across the seam, stepped by hand. */
class ContinuationScorerTest {
    private final Stepped inference = new Stepped();
    private final List<ScoreEvent> events = new ArrayList<>();

    /** Words and single characters are tokens; "ab" is one, too: it forms wherever it can, also across a seam. Id = length, for its score. */
    private static final class Stepped implements Inference {
        record Part(InferenceRequest request, InferenceObserver observer, boolean[] cancelled) {}

        final List<Part> parts = new ArrayList<>();

        @Override
        public ModelInfo model() {
            return new ModelInfo("m", "llama", 1, "f32", 4096, 1000, SamplingParams.GREEDY, false, "fp");
        }

        @Override
        public InferenceCall start(InferenceRequest request, InferenceObserver observer) {
            boolean[] cancelled = {false};
            parts.add(new Part(request, observer, cancelled));
            return new InferenceCall() {
                @Override
                public void cancel() {
                    cancelled[0] = true;
                }

                @Override
                public void pause() {}

                @Override
                public void resume() {}
            };
        }

        /** Lets part {@code i} run to its end; the score of a token is −id. */
        void finish(int i) {
            Part part = parts.get(i);
            List<Integer> ids = ((Prompt.TokenIds) part.request.prompt()).ids();
            part.observer.onEvent(new InferenceEvent.Admitted(part.request.id()));
            part.observer.onEvent(new InferenceEvent.Started(part.request.id(), "m", "fp", 0, ids.size(), 0));
            part.observer.onEvent(new InferenceEvent.PromptScored(ids.subList(part.request.output().scoreFrom(), ids.size()).stream()
                    .map(id -> new ScoredToken(id, -id, 1, new byte[0], List.of())).toList()));
            part.observer.onEvent(new InferenceEvent.Completed(new InferenceEvent.Usage(ids.size(), 0, 0),
                    new InferenceEvent.Timings(Duration.ZERO, Duration.ZERO, Duration.ZERO, 0)));
        }

        @Override
        public TokenizedText tokenize(String text, boolean addSpecial) {
            List<Integer> ids = new ArrayList<>();
            for (int i = 0; i < text.length(); i++) {
                boolean merged = text.startsWith("ab", i);
                ids.add(merged ? 500 : text.charAt(i) - '`');
                if (merged) i++;
            }
            return new TokenizedText(ids, ids.stream().map(String::valueOf).toList());
        }

        @Override
        public String detokenize(List<Integer> ids, boolean skipSpecial) {
            throw new UnsupportedOperationException();
        }

        @Override
        public String applyTemplate(Prompt.Chat chat) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void close() {}
    }

    @Test
    void sumsAndProbabilitiesFollowTheTokens() {
        start(8, new Prompt.Text("xyz"), new Prompt.Text("c"), new Prompt.Text("d"), new Prompt.Text("cc"));
        for (int i = 0; i < 3; i++) inference.finish(i);
        List<ScoreEvent.Score> scores = scored().scores();
        assertEquals(List.of(-3.0, -4.0, -6.0), scores.stream().map(ScoreEvent.Score::sumLogprob).toList());
        double total = Math.exp(-3) + Math.exp(-4) + Math.exp(-6);
        assertEquals(Math.exp(-3) / total, scores.get(0).probability(), 1e-12);
        assertEquals(1, scores.stream().mapToDouble(ScoreEvent.Score::probability).sum(), 1e-12);
        assertEquals(new InferenceEvent.Usage(4 + 4 + 5, 0, 0), scored().usage());
        assertInstanceOf(ScoreEvent.Admitted.class, events.getFirst());
        assertEquals(2, events.size());
    }

    @Test
    void aTokenAcrossTheSeamCountsAndAllAreScoredFromOnePosition() {
        start(8, new Prompt.Text("xa"), new Prompt.Text("b"), new Prompt.Text("c"));
        List<InferenceRequest> parts = inference.parts.stream().map(Stepped.Part::request).toList();
        assertEquals(new Prompt.TokenIds(List.of('x' - '`', 500)), parts.get(0).prompt(), "a and b became one token");
        assertEquals(List.of(1, 1), parts.stream().map(part -> part.output().scoreFrom()).toList());
        assertEquals(OptionalInt.of(0), parts.get(0).stopping().maxTokens());
        assertEquals(List.of("s/0", "s/1"), parts.stream().map(InferenceRequest::id).toList());
        inference.finish(0);
        inference.finish(1);
        assertEquals(List.of(-500.0, -(1.0 + 3.0)), scored().scores().stream().map(ScoreEvent.Score::sumLogprob).toList());
    }

    @Test
    void idsAreJoinedAsTheyAre() {
        start(8, new Prompt.TokenIds(List.of(1)), new Prompt.TokenIds(List.of(2)), new Prompt.TokenIds(List.of(3, 4)));
        assertEquals(new Prompt.TokenIds(List.of(1, 3, 4)), inference.parts.get(1).request().prompt());
        assertEquals(1, inference.parts.get(1).request().output().scoreFrom());
    }

    @Test
    void nothingBeforeTheContinuationIsAnError() {
        start(8, new Prompt.Text("a"), new Prompt.Text("b"));
        ScoreEvent.Failed failed = (ScoreEvent.Failed) events.getFirst();
        assertEquals("EMPTY_PROMPT", failed.cause().reason());
        assertTrue(inference.parts.isEmpty());
    }

    @Test
    void fewRunAtATime() {
        start(2, new Prompt.Text("x"), texts(5));
        assertEquals(2, inference.parts.size());
        inference.finish(1);
        assertEquals(3, inference.parts.size());
        inference.finish(0);
        inference.finish(2);
        inference.finish(3);
        inference.finish(4);
        assertEquals(5, scored().scores().size());
    }

    @Test
    void theFirstOfALongPromptRunsAloneForItsCache() {
        start(8, new Prompt.Text("x".repeat(ContinuationScorer.WORTH_SHARING_TOKENS)), texts(3));
        assertEquals(1, inference.parts.size());
        inference.finish(0);
        assertEquals(3, inference.parts.size());
    }

    @Test
    void oneFailureEndsAll() {
        start(2, new Prompt.Text("x"), texts(4));
        InferenceException cause = InferenceException.invalid("PROMPT_TOO_LONG", "prompt", "too long");
        inference.parts.get(0).observer().onEvent(new InferenceEvent.Failed(cause, new InferenceEvent.Usage(2, 0, 0)));
        assertEquals(List.of(new ScoreEvent.Failed(cause, new InferenceEvent.Usage(2, 0, 0))), events);
        assertTrue(inference.parts.get(1).cancelled()[0]);
        inference.finish(1);
        assertEquals(1, events.size(), "nothing follows the end");
        assertEquals(2, inference.parts.size());
    }

    @Test
    void cancelEndsAll() {
        InferenceCall call = start(2, new Prompt.Text("x"), texts(4));
        call.cancel();
        call.cancel();
        assertEquals(1, events.size());
        assertEquals(InferenceException.Kind.CANCELLED, ((ScoreEvent.Failed) events.getFirst()).cause().kind());
        assertTrue(inference.parts.stream().allMatch(part -> part.cancelled()[0]));
    }

    @Test
    void missingScoresAreAFault() {
        start(8, new Prompt.Text("x"), texts(1));
        Stepped.Part part = inference.parts.getFirst();
        part.observer().onEvent(new InferenceEvent.Completed(InferenceEvent.Usage.NONE, new InferenceEvent.Timings(Duration.ZERO, Duration.ZERO, Duration.ZERO, 0)));
        assertEquals("SCORES_MISSING", ((ScoreEvent.Failed) events.getFirst()).cause().reason());
    }

    @Test
    void impossibleContinuationsHaveProbabilityZero() {
        start(8, new Prompt.Text("x"), texts(2));
        for (int i = 0; i < 2; i++) {
            Stepped.Part part = inference.parts.get(i);
            part.observer().onEvent(new InferenceEvent.PromptScored(List.of(
                    new ScoredToken(1, i == 0 ? Float.NEGATIVE_INFINITY : -1, 1, new byte[0], List.of()))));
            part.observer().onEvent(new InferenceEvent.Completed(InferenceEvent.Usage.NONE, new InferenceEvent.Timings(Duration.ZERO, Duration.ZERO, Duration.ZERO, 0)));
        }
        assertEquals(List.of(0.0, 1.0), scored().scores().stream().map(ScoreEvent.Score::probability).toList());
        assertFalse(Double.isNaN(scored().scores().getFirst().sumLogprob()));
    }

    private static Prompt[] texts(int n) {
        return IntStream.range(0, n).mapToObj(i -> new Prompt.Text("c")).toArray(Prompt[]::new);
    }

    private InferenceCall start(int concurrency, Prompt prompt, Prompt... continuations) {
        ScoreRequest request = new ScoreRequest("s", prompt, Arrays.asList(continuations), 0, Optional.empty(), OptionalLong.empty(), "", false);
        return new ContinuationScorer(concurrency).start(inference, request, events::add);
    }

    private ScoreEvent.Scored scored() {
        return (ScoreEvent.Scored) events.getLast();
    }
}
