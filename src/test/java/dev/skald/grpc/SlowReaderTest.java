package dev.skald.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.api.v1.GenerateRequest;
import dev.skald.api.v1.GenerateStreamRequest;
import dev.skald.api.v1.GenerateStreamResponse;
import dev.skald.api.v1.InferenceGrpc;
import dev.skald.schedule.FinishReason;
import dev.skald.service.InferenceException;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Clients that don't read: paused, bounded, and ended in the end, while others go on. */
class SlowReaderTest {
    private static final int BUFFER = 64 << 10;
    private static final int WINDOW = 65_535;
    private static final String TEXT = "0123456789".repeat(100);

    private DoorFixture fixture;
    private final AtomicReference<ScriptedInference.Run> seen = new AtomicReference<>();
    private final AtomicLong sent = new AtomicLong();

    @AfterEach
    void close() {
        fixture.close();
    }

    private void open(Duration slowReader) throws Exception {
        fixture = new DoorFixture(DoorConfig.loopback().with(DoorFixture.limits(256, 64, BUFFER, slowReader)));
    }

    /** Sends {@code deltas} of a thousand characters, at most 10 in a millisecond, to prompts that begin with "slow"; echoes others. */
    private void send(int deltas, boolean obeyPause) {
        fixture.inference.script = run -> {
            if (run.promptTokens().getFirst() != 's') {
                ScriptedInference.echo(run);
                return;
            }
            seen.set(run);
            run.admit();
            run.start();
            for (int i = 0; i < deltas && !run.isCancelled(); i++) {
                if (i % 10 == 9) Thread.sleep(1);
                if (obeyPause) run.awaitUnpaused();
                run.emit(new dev.skald.service.InferenceEvent.Delta(0, TEXT, List.of(i % 1000), List.of()));
                sent.addAndGet(TEXT.length());
            }
            if (run.isCancelled()) return;
            run.finish(0, FinishReason.LENGTH);
            run.complete(deltas);
        };
    }

    @Test
    void aPausedClientLosesNothing() throws Exception {
        open(Duration.ofSeconds(30));
        int deltas = 2000;
        send(deltas, true);
        DoorFixture.ManualStream stream = new DoorFixture.ManualStream();
        InferenceGrpc.newStub(fixture.narrowChannel()).generateStream(GenerateStreamRequest.newBuilder().setText("slow").build(), stream);
        DoorFixture.await("the request is paused", () -> seen.get() != null && seen.get().isPaused());
        long atPause = sent.get();
        assertTrue(atPause < 2L * deltas * TEXT.length() / 3, "held back after " + atPause + " bytes");
        assertTrue(stream.next().hasStarted());
        for (int i = 0; i < deltas; i++) {
            GenerateStreamResponse event = stream.next();
            assertEquals(List.of(i % 1000), event.getDelta().getTokenIdsList());
        }
        assertTrue(stream.next().hasFinished());
        assertTrue(stream.next().hasCompleted());
        stream.call.request(1);
        assertEquals(Status.Code.OK, stream.status().getCode());
        assertTrue(seen.get().resumes.get() >= 1);
    }

    @Test
    void aClientWithoutWindowHoldsNoMoreThanItsBufferAndOthersGoOn() throws Exception {
        open(Duration.ofSeconds(30));
        send(1_000_000, true);
        try (RawHttp2 client = RawHttp2.connect(fixture.door.port())) {
            client.startGenerateStream(1, "slow");
            DoorFixture.await("the request is paused", () -> seen.get() != null && seen.get().isPaused());
            long atPause = sent.get();
            long bound = WINDOW + DoorLimits.READY_THRESHOLD_BYTES + BUFFER; // the window, and what the server may hold
            assertTrue(atPause <= bound, atPause + " bytes were produced, more than " + bound);
            for (int i = 0; i < 20; i++) {
                assertEquals("other", fixture.stub().generate(GenerateRequest.newBuilder().setText("other").build()).getChoices(0).getText());
            }
            assertTrue(sent.get() <= bound, "and it stays so");
            // The engine's patience ends.
            seen.get().fail(new InferenceException(InferenceException.Kind.RESOURCE_EXHAUSTED, "SLOW_READER", "", "too slow", Optional.empty()), 7);
            seen.get().cancel();
            RawHttp2.Frame end = client.await(frame -> frame.type() == RawHttp2.RST_STREAM && frame.stream() == 1);
            assertEquals(RawHttp2.ENHANCE_YOUR_CALM, end.error(), "which gRPC clients read as RESOURCE_EXHAUSTED");
            DoorFixture.await("nothing is held", () -> fixture.door.holdings().equals(new Door.Holdings(0, 0, 0)));
            assertFalse(client.closedByServer(), "the connection and its other streams live on");
        }
    }

    @Test
    void aClientThatReadsAgainGetsItsStatus() throws Exception {
        open(Duration.ofSeconds(30));
        send(1_000_000, true);
        DoorFixture.ManualStream stream = new DoorFixture.ManualStream();
        InferenceGrpc.newStub(fixture.narrowChannel()).generateStream(GenerateStreamRequest.newBuilder().setText("slow").build(), stream);
        DoorFixture.await("the request is paused", () -> seen.get() != null && seen.get().isPaused());
        seen.get().fail(new InferenceException(InferenceException.Kind.RESOURCE_EXHAUSTED, "SLOW_READER", "", "too slow", Optional.empty()), 7);
        seen.get().cancel();
        stream.call.request(1_000_000);
        assertEquals(Status.Code.RESOURCE_EXHAUSTED, stream.status().getCode());
    }

    @Test
    void anEngineThatDoesNotPauseMeetsTheBuffersLimit() throws Exception {
        open(Duration.ofSeconds(30));
        send(1_000_000, false);
        try (RawHttp2 client = RawHttp2.connect(fixture.door.port(), 0)) {
            client.startGenerateStream(1, "slow");
            RawHttp2.Frame end = client.await(frame -> frame.type() == RawHttp2.RST_STREAM && frame.stream() == 1);
            assertEquals(RawHttp2.ENHANCE_YOUR_CALM, end.error());
            seen.get().awaitCancelled();
            DoorFixture.await("nothing is held", () -> fixture.door.holdings().equals(new Door.Holdings(0, 0, 0)));
        }
    }

    @Test
    void aStreamWhoseEndIsNotTakenIsReset() throws Exception {
        open(Duration.ofMillis(300));
        send(100, true);
        try (RawHttp2 client = RawHttp2.connect(fixture.door.port(), 10_000)) {
            client.startGenerateStream(1, "slow");
            RawHttp2.Frame end = client.await(frame -> frame.type() == RawHttp2.RST_STREAM && frame.stream() == 1);
            assertEquals(RawHttp2.ENHANCE_YOUR_CALM, end.error());
            DoorFixture.await("nothing is held", () -> fixture.door.holdings().calls() == 0);
        }
    }

    @Test
    void aPausedRequestThatTheEngineForgetsIsEndedByTheDoor() throws Exception {
        open(Duration.ofMillis(300));
        send(1_000_000, true);
        try (RawHttp2 client = RawHttp2.connect(fixture.door.port())) {
            client.startGenerateStream(1, "slow");
            assertEquals(RawHttp2.ENHANCE_YOUR_CALM,
                    client.await(frame -> frame.type() == RawHttp2.RST_STREAM && frame.stream() == 1).error());
            seen.get().awaitCancelled();
        }
    }

    @Test
    void aUnaryAnswerThatIsNotTakenIsDropped() throws Exception {
        open(Duration.ofMillis(300));
        fixture.inference.script = run -> {
            run.admit();
            run.start();
            for (int i = 0; i < 1000; i++) run.emit(new dev.skald.service.InferenceEvent.Delta(0, TEXT, List.of(), List.of()));
            run.finish(0, FinishReason.EOS);
            run.complete(1000);
        };
        try (RawHttp2 client = RawHttp2.connect(fixture.door.port())) {
            client.headers(1, "/skald.v1.Inference/Generate", List.of());
            client.frame(RawHttp2.DATA, RawHttp2.END_STREAM, 1, RawHttp2.grpcMessage(GenerateRequest.newBuilder().setText("x").build().toByteArray()));
            DoorFixture.await("the answer waits", () -> fixture.door.holdings().outboundBytes() > 1_000_000);
            assertEquals(RawHttp2.ENHANCE_YOUR_CALM,
                    client.await(frame -> frame.type() == RawHttp2.RST_STREAM && frame.stream() == 1).error());
            DoorFixture.await("nothing is held", () -> fixture.door.holdings().equals(new Door.Holdings(0, 0, 0)));
        }
    }

    @Test
    void manySlowClientsHoldABoundedHeap() throws Exception {
        open(Duration.ofSeconds(30));
        send(1_000_000, true);
        int clients = 8;
        int streams = 25;
        long before = Memory.liveBytes();
        List<RawHttp2> raw = new java.util.ArrayList<>();
        try {
            for (int c = 0; c < clients; c++) {
                RawHttp2 client = RawHttp2.connect(fixture.door.port(), 0);
                raw.add(client);
                for (int s = 0; s < streams; s++) client.startGenerateStream(2 * s + 1, "slow");
            }
            DoorFixture.await("all are paused", () -> fixture.inference.running.stream().filter(ScriptedInference.Run::isPaused).count() == clients * streams);
            long held = Memory.liveBytes() - before;
            long bound = (long) clients * streams * 2 * (DoorLimits.READY_THRESHOLD_BYTES + BUFFER) + (32 << 20);
            assertTrue(held < bound, clients * streams + " slow streams hold " + held + " bytes, more than " + bound);
            assertEquals("other", fixture.stub().generate(GenerateRequest.newBuilder().setText("other").build()).getChoices(0).getText());
        } finally {
            for (RawHttp2 client : raw) client.close();
        }
        DoorFixture.await("all are gone", () -> fixture.door.holdings().calls() == 0 && fixture.door.openConnections() <= 1);
    }
}
