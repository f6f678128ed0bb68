package dev.skald.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.grpc.DoorFixture;
import dev.skald.grpc.ScriptedInference;
import dev.skald.schedule.FinishReason;
import dev.skald.service.Health;
import dev.skald.service.Inference;
import dev.skald.service.InferenceCall;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceException;
import dev.skald.service.InferenceRequest;
import dev.skald.service.Prompt;
import dev.skald.service.SamplingOptions;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** An Inference behind a real port behaves as the one before it. */
class RemoteInferenceTest {
    private DoorFixture fixture;
    private SkaldClient client;
    private Inference remote;
    private final BlockingQueue<InferenceEvent> events = new LinkedBlockingQueue<>();

    @BeforeEach
    void open() throws Exception {
        fixture = new DoorFixture();
        client = new SkaldClient(Endpoint.plaintext("127.0.0.1:" + fixture.door.port()));
        remote = client.inference();
    }

    @AfterEach
    void close() {
        client.close();
        fixture.close();
    }

    @Test
    void whatIsDescribedArrivesWhole() {
        assertEquals(fixture.inference.model(), remote.model());
        assertEquals(fixture.inference.load(), client.load());
        assertEquals("instance-7", client.serverInfo().instanceId());
        assertEquals(Health.SERVING, client.health());
    }

    @Test
    void aRequestArrivesAsItWasGiven() throws Exception {
        AtomicReference<InferenceRequest> seen = new AtomicReference<>();
        fixture.inference.script = run -> {
            seen.set(run.request);
            run.fail(InferenceException.invalid("ENOUGH", "", "seen"), 0);
        };
        SamplingOptions sampling = new SamplingOptions(
                Optional.of(0.25f), OptionalInt.of(0), Optional.of(1f), Optional.empty(), Optional.of(1.5f), Optional.of(-1f), Optional.of(0f),
                Map.of(3, 2f), List.of(4, 5), List.of(List.of(6, 7)), OptionalLong.of(Long.MIN_VALUE), 3);
        InferenceRequest request = new InferenceRequest("id-1", "scripted", new Prompt.TokenIds(List.of(1, 2)), sampling,
                new InferenceRequest.Stopping(OptionalInt.of(9), 2, List.of("stop"), List.of(8), true, true), new InferenceRequest.Output(5, 2, 1, false),
                -100, Optional.of(Duration.ofMillis(1234)), OptionalLong.empty(), "salt", true, false);
        remote.start(request, events::add);
        assertInstanceOf(InferenceEvent.Failed.class, next());
        assertEquals(request, seen.get());
    }

    @Test
    void aConversationArrivesAsItWasGiven() throws Exception {
        AtomicReference<Prompt> seen = new AtomicReference<>();
        fixture.inference.script = run -> {
            seen.set(run.request.prompt());
            run.fail(InferenceException.invalid("ENOUGH", "", "seen"), 0);
        };
        Prompt.Chat chat = new Prompt.Chat(List.of(
                new Prompt.Message("user", "hi", Optional.of("eve"), Optional.empty(), List.of(), Optional.empty()),
                new Prompt.Message("assistant", "", Optional.empty(), Optional.of("hm"),
                        List.of(Map.of("id", "c1", "type", "function", "function", Map.of("name", "f", "arguments", Map.of("x", 1)))), Optional.empty()),
                new Prompt.Message("tool", "42", Optional.empty(), Optional.empty(), List.of(), Optional.of("c1"))),
                List.of(), Map.of("thinking", false, "n", 7), false);
        remote.start(request(chat, false), events::add);
        assertInstanceOf(InferenceEvent.Failed.class, next());
        assertEquals(chat, seen.get());
        assertEquals(fixture.inference.applyTemplate(chat), remote.applyTemplate(chat));
    }

    @Test
    void streamAndUnaryTellTheSameStory() throws Exception {
        remote.start(request(new Prompt.Text("hé"), false), events::add);
        InferenceEvent.Admitted admitted = (InferenceEvent.Admitted) next();
        assertEquals("r", admitted.requestId());
        assertEquals(new InferenceEvent.Started("r", "scripted", ScriptedInference.FINGERPRINT, 99, 2, 0), next());
        assertEquals(new InferenceEvent.Delta(0, "h", List.of((int) 'h'), List.of()), next());
        assertEquals(new InferenceEvent.Delta(0, "é", List.of((int) 'é'), List.of()), next());
        assertEquals(new InferenceEvent.Finished(0, FinishReason.EOS, OptionalInt.empty(), Optional.empty()), next());
        InferenceEvent completed = next();
        assertEquals(new InferenceEvent.Completed(new InferenceEvent.Usage(2, 2, 0),
                new InferenceEvent.Timings(Duration.ofMillis(1), Duration.ofMillis(2), Duration.ofMillis(3), 0)), completed);

        remote.start(request(new Prompt.Text("hé"), true), events::add);
        assertEquals(admitted, next());
        assertInstanceOf(InferenceEvent.Started.class, next());
        assertEquals(new InferenceEvent.Delta(0, "hé", List.of((int) 'h', (int) 'é'), List.of()), next());
        assertInstanceOf(InferenceEvent.Finished.class, next());
        assertEquals(completed, next());
        assertEquals(0, events.size());
    }

    @Test
    void logprobsArriveWithTheirBytes() throws Exception {
        InferenceRequest request = new InferenceRequest("r", "", new Prompt.Text("éa"), SamplingOptions.UNSET, InferenceRequest.Stopping.DEFAULT,
                new InferenceRequest.Output(1, 1, 1, true), 0, Optional.empty(), OptionalLong.empty(), "", false, false);
        remote.start(request, events::add);
        next();
        next();
        InferenceEvent.ScoredToken scored = ((InferenceEvent.PromptScored) next()).tokens().getFirst();
        assertEquals('a', scored.id());
        InferenceEvent.ScoredToken drawn = ((InferenceEvent.Delta) next()).logprobs().getFirst();
        assertEquals(-2.33f, drawn.logprob());
        assertEquals("é", new String(drawn.bytes(), java.nio.charset.StandardCharsets.UTF_8));
        assertEquals("é", new String(drawn.top().getFirst().bytes(), java.nio.charset.StandardCharsets.UTF_8));
    }

    @Test
    void aFailureComesBackAsItWas() throws Exception {
        fixture.inference.script = run -> {
            run.admit();
            run.start();
            run.fail(new InferenceException(InferenceException.Kind.RESOURCE_EXHAUSTED, "OVERLOADED", "a.b[3]", "too busy", Optional.of(Duration.ofMillis(2500))), 4);
        };
        remote.start(request(new Prompt.Text("xyz"), false), events::add);
        next();
        next();
        InferenceEvent.Failed failed = (InferenceEvent.Failed) next();
        assertEquals(InferenceException.Kind.RESOURCE_EXHAUSTED, failed.cause().kind());
        assertEquals("OVERLOADED", failed.cause().reason());
        assertEquals("a.b[3]", failed.cause().field());
        assertEquals("too busy", failed.cause().getMessage());
        assertEquals(Duration.ofMillis(2500), failed.cause().retryAfter().orElseThrow());
        assertEquals(new InferenceEvent.Usage(3, 4, 0), failed.usage());
    }

    @Test
    void cancelReachesTheOtherSide() throws Exception {
        AtomicReference<ScriptedInference.Run> seen = new AtomicReference<>();
        fixture.inference.script = run -> {
            seen.set(run);
            run.admit();
            run.start();
            run.awaitCancelled();
        };
        InferenceCall call = remote.start(request(new Prompt.Text("x"), false), events::add);
        next();
        next();
        call.cancel();
        assertEquals(InferenceException.Kind.CANCELLED, ((InferenceEvent.Failed) next()).cause().kind());
        seen.get().awaitCancelled();
        call.cancel();
    }

    @Test
    void aPausedConsumerHoldsTheOtherSideBack() throws Exception {
        AtomicLong sent = new AtomicLong();
        AtomicReference<ScriptedInference.Run> seen = new AtomicReference<>();
        int deltas = 30_000;
        fixture.inference.script = run -> {
            seen.set(run);
            run.admit();
            run.start();
            for (int i = 0; i < deltas && !run.isCancelled(); i++) {
                if (i % 10 == 9) Thread.sleep(1);
                run.awaitUnpaused();
                run.delta(0, "0123456789".repeat(100));
                sent.incrementAndGet();
            }
            run.finish(0, FinishReason.LENGTH);
            run.complete(deltas);
        };
        InferenceCall call = remote.start(request(new Prompt.Text("x"), false), events::add);
        next();
        call.pause();
        int atPause = events.size(); // some came while nobody had paused yet
        DoorFixture.await("the other side is paused", () -> seen.get() != null && seen.get().isPaused());
        assertTrue(sent.get() < deltas, "held back after " + sent.get());
        int before = events.size();
        assertTrue(before <= atPause + 1, "events that came after pause: " + (before - atPause));
        call.resume();
        long received = 0;
        InferenceEvent event = next();
        while (!(event instanceof InferenceEvent.Completed)) {
            if (event instanceof InferenceEvent.Delta) received++;
            event = next();
        }
        assertEquals(deltas, received, "and nothing is lost");
    }

    @Test
    void aDeadlineIsTheOtherSidesToo() throws Exception {
        fixture.inference.script = run -> {
            run.admit();
            run.awaitCancelled();
        };
        InferenceRequest request = new InferenceRequest("r", "", new Prompt.Text("x"), SamplingOptions.UNSET, InferenceRequest.Stopping.DEFAULT,
                InferenceRequest.Output.DEFAULT, 0, Optional.empty(), OptionalLong.of(System.nanoTime() + 300_000_000L), "", false, false);
        remote.start(request, events::add);
        InferenceEvent last = next();
        if (last instanceof InferenceEvent.Admitted) last = next();
        assertEquals(InferenceException.Kind.DEADLINE_EXCEEDED, ((InferenceEvent.Failed) last).cause().kind());
    }

    @Test
    void nobodyThereIsUnavailable() throws Exception {
        int port = fixture.door.port();
        fixture.door.close();
        remote.start(request(new Prompt.Text("x"), false), events::add);
        assertEquals(InferenceException.Kind.UNAVAILABLE, ((InferenceEvent.Failed) next()).cause().kind());
        try (SkaldClient nobody = new SkaldClient(Endpoint.plaintext("127.0.0.1:" + port))) {
            InferenceException e = assertThrows(InferenceException.class, nobody::inference);
            assertEquals(InferenceException.Kind.UNAVAILABLE, e.kind());
            assertEquals("can't reach 127.0.0.1:" + port + ": Connection refused", e.getMessage());
        }
    }

    @Test
    void aDaemonThatIsLostWhileItAnswersIsNamed() {
        Status lost = new Reach("skald:50051").inWords(Status.UNAVAILABLE.withDescription("Network closed for unknown reason"), true);
        assertEquals("lost skald:50051: Network closed for unknown reason", lost.getDescription());
        Status reset = Status.UNAVAILABLE.withDescription("io exception\nChannel Pipeline: […]").withCause(new java.io.IOException("Connection reset by peer"));
        assertEquals("lost skald:50051: Connection reset by peer", new Reach("skald:50051").inWords(reset, true).getDescription());
        assertEquals(Status.INTERNAL, new Reach("skald:50051").inWords(Status.INTERNAL, false));
    }

    @Test
    void aDaemonThatSaysNothingIsNamed() throws Exception {
        try (java.net.ServerSocket silent = new java.net.ServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress());
                SkaldClient asking = new SkaldClient(Endpoint.plaintext("127.0.0.1:" + silent.getLocalPort()))) {
            var stub = dev.skald.api.v1.ModelsGrpc.newBlockingStub(asking.channel()).withDeadlineAfter(200, TimeUnit.MILLISECONDS);
            InferenceException e = assertThrows(InferenceException.class,
                    () -> SkaldClient.ask(() -> stub.getModel(dev.skald.api.v1.GetModelRequest.getDefaultInstance())));
            assertEquals(InferenceException.Kind.DEADLINE_EXCEEDED, e.kind());
            assertEquals("127.0.0.1:" + silent.getLocalPort() + " has not answered in time", e.getMessage());
        }
    }

    @Test
    void textAndIdsGoBothWays() {
        assertEquals(fixture.inference.tokenize("hé", true), remote.tokenize("hé", true));
        assertEquals("hé", remote.detokenize(List.of(1, (int) 'h', (int) 'é'), true));
        InferenceException e = assertThrows(InferenceException.class, () -> remote.detokenize(List.of(-1), true));
        assertEquals("token_ids[0]", e.field());
    }

    @Test
    void endpointsAreHostAndPort() {
        for (String good : List.of("localhost:1", "127.0.0.1:50051", "[::1]:50051", "dns:///skald.example:50051")) Endpoint.plaintext(good);
        for (String bad : List.of("", "localhost", "50051", "a b:1", "host:port")) {
            assertThrows(IllegalArgumentException.class, () -> Endpoint.plaintext(bad), bad);
        }
    }

    private static InferenceRequest request(Prompt prompt, boolean unary) {
        return new InferenceRequest("r", "", prompt, SamplingOptions.UNSET, InferenceRequest.Stopping.DEFAULT, InferenceRequest.Output.DEFAULT, 0,
                Optional.empty(), OptionalLong.empty(), "", false, unary);
    }

    private InferenceEvent next() throws InterruptedException {
        InferenceEvent event = events.poll(20, TimeUnit.SECONDS);
        if (event == null) throw new AssertionError("no event");
        return event;
    }
}
