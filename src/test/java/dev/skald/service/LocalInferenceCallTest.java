package dev.skald.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.sampling.SamplingParams;
import dev.skald.schedule.Failure;
import dev.skald.schedule.FinishReason;
import dev.skald.service.InferenceException.Kind;
import dev.skald.text.Tokenizer;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Cancelling, pausing, aborting, closing: what acts on a running request. */
class LocalInferenceCallTest {
    private static final ModelInfo MODEL =
            new ModelInfo("tiny", "llama", 1, "f32", 5000, 505, SamplingParams.GREEDY, false, "print");

    private final ScriptedEngine engine = new ScriptedEngine();
    private final TextWorkers workers = new TextWorkers(1);
    private final LocalInference inference =
            new LocalInference(MODEL, tokenizer(), Optional.empty(), List.of(), 8, engine, workers);
    private final CountDownLatch release = new CountDownLatch(1);

    private static Tokenizer tokenizer() {
        try {
            return Tokenizer.load(Path.of(LocalInferenceCallTest.class.getResource("/golden/tokenizers/bytelevel").toURI()));
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    @AfterEach
    void close() {
        release.countDown();
        inference.close();
    }

    /** Keeps the text worker busy until the latch opens. */
    private void holdWorker() {
        workers.assign().enqueue(() -> {
            try {
                release.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    private static void eventually(BooleanSupplier condition) throws InterruptedException {
        for (int i = 0; i < 2000 && !condition.getAsBoolean(); i++) Thread.sleep(10);
        assertTrue(condition.getAsBoolean());
    }

    @Test
    void theEngineIsPausedWhileTheTextWorkerIsBehindAndNeverWaits() throws InterruptedException {
        Heard heard = new Heard();
        inference.start(Requested.text("x").request(), heard);
        ScriptedEngine.Running running = engine.next();
        running.start();
        eventually(() -> heard.events.size() == 2);
        holdWorker();
        int[] tokens = new int[LocalCall.PAUSE_AT];
        java.util.Arrays.fill(tokens, 'a');
        for (int i = 0; i < tokens.length; i++) {
            assertEquals(List.of(), running.calls, "not before " + LocalCall.PAUSE_AT + " events wait: " + i);
            running.tokens(0, tokens[i]);
        }
        assertEquals(List.of("pause"), running.calls);
        release.countDown();
        eventually(() -> running.calls.equals(List.of("pause", "resume")));
        running.finished(0, FinishReason.LENGTH, OptionalInt.empty());
        running.completed();
        assertEquals(tokens.length, heard.ids(0).size());
    }

    @Test
    void aConsumerThatIsFullPausesTheEngineOnceHoweverOftenItSaysSo() throws InterruptedException {
        Heard heard = new Heard();
        InferenceCall call = inference.start(Requested.text("x").request(), heard);
        ScriptedEngine.Running running = engine.next();
        running.start();
        eventually(() -> heard.events.size() == 2);
        call.pause();
        call.pause();
        call.resume();
        call.resume();
        call.pause();
        eventually(() -> running.calls.equals(List.of("pause", "resume", "pause")));
    }

    @Test
    void aPauseFromBeforeTheEngineKnowsTheRequestIsNotForgotten() throws InterruptedException {
        holdWorker();
        InferenceCall call = inference.start(Requested.text("x").request(), new Heard());
        call.pause();
        release.countDown();
        ScriptedEngine.Running running = engine.next();
        eventually(() -> running.calls.equals(List.of("pause")));
    }

    @Test
    void aRequestThatIsCancelledBeforeItIsTokenisedNeverReachesTheEngine() throws InterruptedException {
        holdWorker();
        Heard heard = new Heard();
        InferenceCall call = inference.start(Requested.text("x").request(), heard);
        call.cancel();
        release.countDown();
        assertEquals(Kind.CANCELLED, heard.failure().kind());
        assertTrue(engine.isEmpty());
        assertEquals(0, inference.running());
    }

    @Test
    void cancellingTellsTheEngineOnceAndTheEngineSaysWhenItIsOver() throws InterruptedException {
        Heard heard = new Heard();
        InferenceCall call = inference.start(Requested.text("x").request(), heard);
        ScriptedEngine.Running running = engine.next();
        running.start();
        call.cancel();
        call.cancel();
        eventually(() -> running.calls.equals(List.of("cancel CANCELLED")));
        running.failed(Failure.of(Failure.Kind.CANCELLED, "gone"));
        assertEquals(Kind.CANCELLED, heard.failure().kind());
    }

    @Test
    void abortFindsRequestsByIdAndNamesThoseItFound() throws InterruptedException {
        Heard heard = new Heard();
        inference.start(Requested.text("x").id("mine").request(), heard);
        ScriptedEngine.Running running = engine.next();
        assertEquals(List.of("mine"), inference.abort(List.of("other", "mine")));
        eventually(() -> running.calls.equals(List.of("cancel ABORTED")));
        running.failed(Failure.of(Failure.Kind.ABORTED, "an operator aborted the request"));
        assertEquals(Kind.ABORTED, heard.failure().kind());
        assertEquals(List.of(), inference.abort(List.of("mine")));
    }

    @Test
    void abortFindsARequestThatIsNotTokenisedYet() throws InterruptedException {
        holdWorker();
        Heard heard = new Heard();
        inference.start(Requested.text("x").id("mine").request(), heard);
        assertEquals(List.of("mine"), inference.abort(List.of("mine")));
        release.countDown();
        assertEquals(Kind.ABORTED, heard.failure().kind());
        assertTrue(engine.isEmpty());
    }

    @Test
    void anIdIsTakenOnlyWhileItsRequestRuns() throws InterruptedException {
        Heard first = new Heard();
        inference.start(Requested.text("x").request(), first);
        ScriptedEngine.Running running = engine.next();
        Heard second = new Heard();
        inference.start(Requested.text("x").request(), second);
        assertEquals("DUPLICATE_REQUEST_ID", second.failure().reason());
        assertEquals("options.request_id", second.failure().field());
        running.start();
        running.completed();
        first.all();
        inference.start(Requested.text("x").request(), new Heard());
        engine.next().failed(Failure.of(Failure.Kind.INTERNAL, "enough"));
    }

    @Test
    void anObserverThatThrowsLosesItsRequestAndNobodyElseDoes() throws InterruptedException {
        inference.start(Requested.text("x").id("bad").request(), event -> {
            throw new IllegalStateException("observer");
        });
        ScriptedEngine.Running bad = engine.next();
        bad.start();
        eventually(() -> bad.calls.equals(List.of("cancel INTERNAL")));
        eventually(() -> inference.running() == 0);
        Heard good = new Heard();
        inference.start(Requested.text("x").id("good").request(), good);
        ScriptedEngine.Running running = engine.next();
        running.start();
        running.completed();
        good.completed();
    }

    @Test
    void closingEndsWhatRuns() throws InterruptedException {
        Heard heard = new Heard();
        inference.start(Requested.text("x").request(), heard);
        ScriptedEngine.Running running = engine.next();
        inference.close();
        assertEquals(List.of("cancel UNAVAILABLE"), running.calls);
        assertEquals(Kind.UNAVAILABLE, heard.failure().kind());
    }
}
