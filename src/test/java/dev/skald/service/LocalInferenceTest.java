package dev.skald.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.sampling.SamplingParams;
import dev.skald.schedule.Failure;
import dev.skald.schedule.FinishReason;
import dev.skald.service.InferenceEvent.Delta;
import dev.skald.service.InferenceEvent.Started;
import dev.skald.service.InferenceEvent.Usage;
import dev.skald.service.InferenceException.Kind;
import dev.skald.service.InferenceRequest.Output;
import dev.skald.service.InferenceRequest.Stopping;
import dev.skald.text.Tokenizer;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LocalInferenceTest {
    private static final Tokenizer TOKENIZER = Tokenizer.load(folder());
    private static final int EOS = 502;
    private static final ModelInfo MODEL =
            new ModelInfo("tiny", "llama", 1, "f32", 100, 505, SamplingParams.GREEDY, false, "print");

    private final ScriptedEngine engine = new ScriptedEngine();
    private final TextWorkers workers = new TextWorkers(1);
    private final LocalInference inference =
            new LocalInference(MODEL, TOKENIZER, Optional.empty(), List.of(EOS), 8, engine, workers);

    @AfterEach
    void close() {
        inference.close();
    }

    private static Path folder() {
        try {
            return Path.of(LocalInferenceTest.class.getResource("/golden/tokenizers/bytelevel").toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static int[] ids(String text) {
        return TOKENIZER.encode(text, false);
    }

    private static List<Integer> list(int... ids) {
        return Arrays.stream(ids).boxed().toList();
    }

    private Heard start(Requested requested) {
        Heard heard = new Heard();
        inference.start(requested.request(), heard);
        return heard;
    }

    /** Plays an answer of one choice to its end. */
    private Heard play(Requested requested, FinishReason reason, OptionalInt id, int... tokens) throws InterruptedException {
        Heard heard = start(requested);
        ScriptedEngine.Running running = engine.next();
        running.start();
        running.tokens(0, tokens);
        running.finished(0, reason, id);
        running.completed();
        heard.all();
        return heard;
    }

    private static void eventually(BooleanSupplier condition) throws InterruptedException {
        for (int i = 0; i < 2000 && !condition.getAsBoolean(); i++) Thread.sleep(10);
        assertTrue(condition.getAsBoolean());
    }

    @Test
    void anAnswerComesAsWholeCharactersWithTheTokensThatCompleteThem() throws InterruptedException {
        int[] answer = ids("中国 🙂!");
        Heard heard = play(Requested.text("hi"), FinishReason.LENGTH, OptionalInt.empty(), answer);
        assertEquals("中国 🙂!", heard.text(0));
        assertEquals(list(answer), heard.ids(0));
        assertTrue(answer.length > heard.deltas(0).size(), "some characters take several tokens, and come in one delta");
        for (Delta delta : heard.deltas(0)) assertFalse(delta.text().contains("�"), delta.text());
        assertEquals(new Usage(ids("hi").length, answer.length, 0), heard.completed().usage());
        assertEquals(new InferenceEvent.Finished(0, FinishReason.LENGTH, OptionalInt.empty(), Optional.empty()), heard.finished(0));
        assertInstanceOf(InferenceEvent.Admitted.class, heard.all().get(0));
        assertInstanceOf(Started.class, heard.all().get(1));
        assertEquals(Duration.ofNanos(2), heard.completed().timings().prefill());
    }

    @Test
    void aCharacterThatIsHalfDoneAtTheEndBecomesAReplacementCharacter() throws InterruptedException {
        int[] answer = ids("a🙂");
        int[] cut = Arrays.copyOf(answer, answer.length - 1);
        Heard heard = play(Requested.text("hi"), FinishReason.LENGTH, OptionalInt.empty(), cut);
        assertEquals("a�", heard.text(0));
        assertEquals(list(cut), heard.ids(0));
    }

    @Test
    void aStopStringEndsTextBeforeItAndTokensWithTheOneThatCompletesIt() throws InterruptedException {
        int[] before = ids("one, two");
        int[] stop = ids("###");
        int[] after = ids("three");
        int[] all = concat(before, stop, after);
        Heard heard = start(Requested.text("count").stop("##"));
        ScriptedEngine.Running running = engine.next();
        running.start();
        running.tokens(0, all);
        eventually(() -> !running.calls.isEmpty());
        running.finished(0, FinishReason.STOP, OptionalInt.empty());
        running.completed();
        assertEquals("one, two", heard.text(0));
        List<Integer> counted = heard.ids(0);
        String full = TOKENIZER.decode(counted.stream().mapToInt(i -> i).toArray(), false);
        assertTrue(full.startsWith("one, two##"), full);
        assertEquals(list(Arrays.copyOf(all, counted.size())), counted);
        String shorter = TOKENIZER.decode(Arrays.copyOf(all, counted.size() - 1), false);
        assertFalse(shorter.contains("##"), "no token more than needed: " + shorter);
        assertEquals(List.of("finish 0 at " + (counted.size() - 1)), running.calls);
        assertEquals(Optional.of("##"), heard.finished(0).stopString());
        assertEquals(FinishReason.STOP, heard.finished(0).reason());
        assertEquals(counted.size(), heard.completed().usage().completionTokens());
    }

    @ParameterizedTest
    @ValueSource(strings = {"##", "two", " ", "no such text", "e,"})
    void whatComesOutIsTheSameHoweverLateTheTextWorkerIs(String stop) throws InterruptedException {
        int[] answer = ids("one, two ### three 中");
        Requested requested = Requested.text("count").stop(stop).sampling(seeded(7));
        Heard prompt = new Heard();
        inference.start(requested.request(), prompt);
        ScriptedEngine.Running running = engine.next();
        running.start();
        for (int id : answer) {
            int seen = prompt.events.size();
            running.tokens(0, id);
            if (running.calls.isEmpty()) eventually(() -> prompt.events.size() > seen || pendingCharacter(answer, id));
        }
        running.finished(0, FinishReason.LENGTH, OptionalInt.empty());
        running.completed();
        List<InferenceEvent> expected = prompt.all();

        Heard late = new Heard();
        CountDownLatch release = new CountDownLatch(1);
        inference.start(requested.request(), late);
        ScriptedEngine.Running second = engine.next();
        workers.assign().enqueue(() -> await(release));
        second.start();
        second.tokens(0, answer);
        second.finished(0, FinishReason.LENGTH, OptionalInt.empty());
        second.completed();
        release.countDown();
        assertEquals(expected, late.all());
        assertEquals(running.calls, second.calls);
    }

    /** Whether a token of this answer may bring no event of its own: one in the middle of a character. */
    private static boolean pendingCharacter(int[] answer, int id) {
        return TOKENIZER.decode(new int[] {id}, false).contains("�");
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static SamplingOptions seeded(long seed) {
        SamplingOptions u = SamplingOptions.UNSET;
        return new SamplingOptions(
                u.temperature(), u.topK(), u.topP(), u.minP(), u.repetitionPenalty(), u.presencePenalty(), u.frequencyPenalty(),
                u.logitBias(), u.allowedIds(), u.bannedSequences(), OptionalLong.of(seed), 1);
    }

    @Test
    void includeStopKeepsTheStopString() throws InterruptedException {
        Requested requested = Requested.text("x").stopping(new Stopping(OptionalInt.empty(), 0, List.of("##"), List.of(), true, false));
        Heard heard = play(requested, FinishReason.LENGTH, OptionalInt.empty(), ids("a##b"));
        assertEquals("a##", heard.text(0));
        assertEquals(Optional.of("##"), heard.finished(0).stopString());
    }

    @Test
    void aStopStringWithinTheFirstMinTokensIsTextLikeAnyOther() throws InterruptedException {
        int[] answer = ids("# and then # again");
        Requested requested = Requested.text("x").stopping(new Stopping(OptionalInt.empty(), 2, List.of("#"), List.of(), false, false));
        Heard heard = play(requested, FinishReason.LENGTH, OptionalInt.empty(), answer);
        assertEquals("# and then ", heard.text(0));
    }

    @Test
    void theEndTokenCountsButHasNoText() throws InterruptedException {
        int[] answer = concat(ids("bye"), new int[] {EOS});
        Requested shown = Requested.text("x").output(new Output(-1, -1, 1, false));
        Heard heard = play(shown, FinishReason.EOS, OptionalInt.of(EOS), answer);
        assertEquals("bye", heard.text(0));
        assertEquals(list(answer), heard.ids(0));
        assertEquals(OptionalInt.of(EOS), heard.finished(0).id());
        assertEquals(answer.length, heard.completed().usage().completionTokens());

        Heard included = play(
                shown.stopping(new Stopping(OptionalInt.empty(), 0, List.of(), List.of(), true, false)),
                FinishReason.EOS,
                OptionalInt.of(EOS),
                answer);
        assertEquals("bye" + TOKENIZER.piece(EOS), included.text(0));
    }

    @Test
    void aStopIdIsLeftOutOfTheText() throws InterruptedException {
        int[] answer = ids("yes no");
        int last = answer[answer.length - 1];
        Requested requested = Requested.text("x").stopping(new Stopping(OptionalInt.empty(), 0, List.of(), List.of(last), false, false));
        Heard heard = play(requested, FinishReason.STOP, OptionalInt.of(last), answer);
        assertEquals(TOKENIZER.decode(Arrays.copyOf(answer, answer.length - 1), false), heard.text(0));
        assertEquals(list(answer), heard.ids(0));
    }

    @Test
    void logprobsStayWithTheirTokens() throws InterruptedException {
        int[] answer = ids("中国 ok");
        Heard heard = play(Requested.text("x").output(new Output(2, -1, 1, true)), FinishReason.LENGTH, OptionalInt.empty(), answer);
        for (Delta delta : heard.deltas(0)) {
            assertEquals(delta.ids(), delta.logprobs().stream().map(InferenceEvent.ScoredToken::id).toList());
            for (InferenceEvent.ScoredToken token : delta.logprobs()) {
                assertEquals(2, token.top().size());
                assertEquals(-0.5f, token.logprob());
                assertTrue(Arrays.equals(TOKENIZER.bytes(token.id()), token.bytes()));
            }
        }
        assertEquals(answer.length, heard.ids(0).size());
    }

    @Test
    void choicesAreDecodedApart() throws InterruptedException {
        int[] a = ids("中国");
        int[] b = ids("🙂🙂");
        Heard heard = start(Requested.text("x").n(2));
        ScriptedEngine.Running running = engine.next();
        running.start();
        for (int i = 0; i < Math.max(a.length, b.length); i++) {
            if (i < a.length) running.tokens(0, a[i]);
            if (i < b.length) running.tokens(1, b[i]);
        }
        running.finished(1, FinishReason.LENGTH, OptionalInt.empty());
        running.finished(0, FinishReason.LENGTH, OptionalInt.empty());
        running.completed();
        assertEquals("中国", heard.text(0));
        assertEquals("🙂🙂", heard.text(1));
        assertEquals(a.length + b.length, heard.completed().usage().completionTokens());
    }

    @Test
    void aSeedIsDrawnAndToldUnlessGiven() throws InterruptedException {
        Heard first = play(Requested.text("x"), FinishReason.LENGTH, OptionalInt.empty());
        Heard second = play(Requested.text("x"), FinishReason.LENGTH, OptionalInt.empty());
        assertNotEquals(seed(first), seed(second));
        Heard given = start(Requested.text("x").sampling(seeded(-5)));
        ScriptedEngine.Running running = engine.next();
        running.start();
        running.completed();
        given.all();
        assertEquals(-5, running.request.seed());
        assertEquals(-5, seed(given));
    }

    private static long seed(Heard heard) throws InterruptedException {
        return ((Started) heard.all().get(1)).seed();
    }

    @Test
    void unsetSamplingFollowsTheModel() throws InterruptedException {
        start(Requested.text("x"));
        assertEquals(SamplingParams.GREEDY, engine.next().request.sampling());
        start(Requested.text("x").id("other").sampling(new SamplingOptions(
                Optional.of(0.5f), OptionalInt.of(4), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(),
                Optional.empty(), Map.of(), List.of(), List.of(), OptionalLong.empty(), 1)));
        SamplingParams set = engine.next().request.sampling();
        assertEquals(0.5f, set.temperature());
        assertEquals(4, set.topK());
    }

    @Test
    void anEngineFailureKeepsItsKindItsSentenceAndWhatWasUsed() throws InterruptedException {
        Heard heard = start(Requested.text("hello"));
        ScriptedEngine.Running running = engine.next();
        running.start();
        running.tokens(0, ids("ab"));
        running.failed(new Failure(Failure.Kind.OVERLOADED, "too much", Optional.of(Duration.ofSeconds(3))));
        assertEquals(Kind.RESOURCE_EXHAUSTED, heard.failure().kind());
        assertEquals("too much", heard.failure().getMessage());
        assertEquals(Optional.of(Duration.ofSeconds(3)), heard.failure().retryAfter());
        Usage usage = ((InferenceEvent.Failed) heard.all().getLast()).usage();
        assertEquals(new Usage(ids("hello").length, ids("ab").length, 0), usage);
    }

    private static int[] concat(int[]... parts) {
        return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
    }
}
