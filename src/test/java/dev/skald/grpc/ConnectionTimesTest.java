package dev.skald.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.api.v1.GenerateRequest;
import dev.skald.api.v1.GenerateStreamRequest;
import dev.skald.api.v1.InferenceGrpc;
import dev.skald.schedule.FinishReason;
import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Connections that are silent, idle or old. */
class ConnectionTimesTest {
    private DoorFixture fixture;

    @AfterEach
    void close() {
        fixture.close();
    }

    private void open(Duration keepAlive, Duration idle, Duration age) throws Exception {
        DoorLimits d = DoorLimits.DEFAULT;
        fixture = new DoorFixture(DoorConfig.loopback().with(new DoorLimits(
                d.maxMessageBytes(), d.maxHeaderBytes(), d.maxConnections(), d.maxStreamsPerConnection(), d.maxCalls(), d.maxInboundBytes(), d.maxOutboundBytes(),
                d.streamBufferBytes(), d.receiveTimeout(), d.slowReaderTimeout(), d.handshakeTimeout(), keepAlive, Duration.ofMillis(300),
                d.permitKeepAliveTime(), idle, age, d.maxResetsPerWindow())));
    }

    /** Slow, since gRPC asks no earlier than after ten seconds. */
    @Test
    @Tag("slow")
    void aClientThatAnswersNoPingIsLetGo() throws Exception {
        open(Duration.ofMillis(300), DoorLimits.NEVER, DoorLimits.NEVER);
        CountDownLatch gone = new CountDownLatch(1);
        fixture.inference.script = run -> {
            run.admit();
            run.awaitCancelled();
            gone.countDown();
        };
        try (RawHttp2 client = RawHttp2.connect(fixture.door.port())) {
            client.startGenerateStream(1, "x");
            client.await(frame -> frame.type() == RawHttp2.PING);
            client.await(frame -> frame.type() == RawHttp2.GOAWAY);
            assertTrue(gone.await(20, TimeUnit.SECONDS), "what it had asked for is ended");
            // The transport flushes its last words with whatever happens next; from a client that is gone for good nothing comes.
            client.frame(RawHttp2.PING, 0, 0, new byte[8]);
            DoorFixture.await("the server has closed", client::closedByServer);
        }
        DoorFixture.await("nothing is held", () -> fixture.door.holdings().calls() == 0 && fixture.door.openConnections() == 0);
    }

    @Test
    void anIdleConnectionIsToldToGo() throws Exception {
        open(Duration.ofMinutes(1), Duration.ofSeconds(1), DoorLimits.NEVER);
        try (RawHttp2 client = RawHttp2.connect(fixture.door.port())) {
            RawHttp2.Frame end = client.await(frame -> frame.type() == RawHttp2.GOAWAY);
            assertEquals(0, end.error(), "no fault of its own");
        }
    }

    @Test
    void anOldConnectionIsToldToGoAndItsStreamFinishes() throws Exception {
        open(Duration.ofMinutes(1), DoorLimits.NEVER, Duration.ofSeconds(1));
        CountDownLatch go = new CountDownLatch(1);
        fixture.inference.script = run -> {
            run.admit();
            run.start();
            go.await();
            run.finish(0, FinishReason.EOS);
            run.complete(0);
        };
        try (RawHttp2 watcher = RawHttp2.connect(fixture.door.port())) {
            DoorFixture.ManualStream stream = new DoorFixture.ManualStream();
            InferenceGrpc.newStub(fixture.channel()).generateStream(GenerateStreamRequest.newBuilder().setText("x").build(), stream);
            assertTrue(stream.next().hasStarted());
            watcher.await(frame -> frame.type() == RawHttp2.GOAWAY); // as old as the stream's, or older
            assertFalse(stream.ended.isDone());
            go.countDown();
            assertTrue(stream.next().hasFinished());
            assertTrue(stream.next().hasCompleted());
            stream.call.request(1);
            assertEquals(Status.Code.OK, stream.status().getCode());
        }
        fixture.inference.script = ScriptedInference::echo;
        assertEquals("again", fixture.stub().generate(GenerateRequest.newBuilder().setText("again").build()).getChoices(0).getText());
    }
}
