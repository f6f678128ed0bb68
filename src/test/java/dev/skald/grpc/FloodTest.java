package dev.skald.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.api.v1.GenerateRequest;
import dev.skald.api.v1.InferenceGrpc;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Each limit a network client can reach, at ten times its size: memory stays bounded and others are served. */
class FloodTest {
    private static final int TIMES = 10;
    private static final long HEAP_SLACK = 48 << 20;
    private static final int REFUSED_STREAM = 7;

    private DoorFixture fixture;

    @AfterEach
    void close() {
        fixture.close();
    }

    /** Small limits, so that ten times them is cheap. */
    private void open() throws Exception {
        open(60);
    }

    private void open(int calls) throws Exception {
        DoorLimits d = DoorLimits.DEFAULT;
        open(new DoorLimits(1 << 20, 8 << 10, 20, 10, calls, 4 << 20, 4 << 20, 64 << 10, Duration.ofSeconds(30), Duration.ofSeconds(1), Duration.ofSeconds(2),
                d.keepAliveTime(), d.keepAliveTimeout(), Duration.ofSeconds(10), d.maxConnectionIdle(), d.maxConnectionAge(), 100));
    }

    private void open(DoorLimits limits) throws Exception {
        fixture = new DoorFixture(DoorConfig.loopback().with(limits));
    }

    @Test
    void aMessageTooLarge() throws Exception {
        open();
        long before = Memory.liveBytes();
        for (int size : new int[] {(1 << 20) + 1, TIMES << 20}) {
            StatusRuntimeException e = assertThrows(StatusRuntimeException.class,
                    () -> fixture.stub().generate(GenerateRequest.newBuilder().setText("x".repeat(size)).build()));
            assertEquals(Status.Code.RESOURCE_EXHAUSTED, e.getStatus().getCode());
        }
        assertHeld(before, 0);
        assertServes();
    }

    @Test
    void metadataTooLarge() throws Exception {
        open();
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("x-much", Metadata.ASCII_STRING_MARSHALLER), "m".repeat(TIMES * (8 << 10)));
        StatusRuntimeException e = assertThrows(StatusRuntimeException.class, () -> fixture.stub()
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers)).generate(hello()));
        assertTrue(e.getStatus().getCode() != Status.Code.OK, e.getMessage());
        assertServes();
    }

    @Test
    void metadataWithoutEnd() throws Exception {
        open();
        long before = Memory.liveBytes();
        try (RawHttp2 client = RawHttp2.connect(fixture.door.port())) {
            ByteArrayOutputStream block = new ByteArrayOutputStream();
            RawHttp2.literal(block, ":method", "POST");
            client.frame(RawHttp2.HEADERS, 0, 1, block.toByteArray());
            untilRefused(client, 10_000, i -> {
                ByteArrayOutputStream more = new ByteArrayOutputStream();
                RawHttp2.literal(more, "x-" + i, "v".repeat(1000));
                client.frame(RawHttp2.CONTINUATION, 0, 1, more.toByteArray());
            });
            assertHeld(before, 0);
        }
        assertServes();
    }

    @Test
    void tooManyStreams() throws Exception {
        open();
        try (RawHttp2 client = RawHttp2.connect(fixture.door.port())) {
            for (int i = 0; i < TIMES * 10; i++) client.headers(2 * i + 1, "/skald.v1.Inference/GenerateStream", List.of());
            for (int i = 0; i < TIMES * 10 - 10; i++) {
                RawHttp2.Frame refused = client.await(frame -> frame.type() == RawHttp2.RST_STREAM);
                assertEquals(REFUSED_STREAM, refused.error());
            }
            assertEquals(10, fixture.door.holdings().calls());
        }
        DoorFixture.await("all are gone", () -> fixture.door.holdings().calls() == 0);
        assertServes();
    }

    @Test
    void tooManyConnections() throws Exception {
        open();
        var before = fixture.stub();
        assertEquals("hello", before.generate(hello()).getChoices(0).getText());
        List<RawHttp2> raw = new ArrayList<>();
        try {
            for (int i = 0; i < TIMES * 20; i++) raw.add(connectQuietly());
            raw.removeIf(java.util.Objects::isNull);
            DoorFixture.await("those beyond the limit are closed",
                    () -> raw.stream().filter(client -> !client.closedByServer()).count() == 19);
            assertEquals(20, fixture.door.openConnections());
            assertEquals("hello", before.generate(hello()).getChoices(0).getText(), "who was there before is served");
        } finally {
            for (RawHttp2 client : raw) client.close();
        }
        DoorFixture.await("their places are free", () -> fixture.door.openConnections() == 1);
        assertServes();
    }

    /** A connection beyond the limit may be closed while its preface is written. */
    private RawHttp2 connectQuietly() {
        try {
            return RawHttp2.connect(fixture.door.port());
        } catch (IOException e) {
            return null;
        }
    }

    @Test
    void tooManyCalls() throws Exception {
        int limit = 15;
        open(limit);
        hang();
        List<RawHttp2> raw = new ArrayList<>();
        try {
            for (int c = 0; c < TIMES * limit / 10; c++) {
                RawHttp2 client = RawHttp2.connect(fixture.door.port());
                raw.add(client);
                for (int s = 0; s < 10; s++) client.startGenerateStream(2 * s + 1, "x");
            }
            DoorFixture.await("the limit is reached", () -> fixture.door.holdings().calls() >= limit);
            StatusRuntimeException e = assertThrows(StatusRuntimeException.class, () -> fixture.stub().generate(hello()));
            assertEquals(Status.Code.RESOURCE_EXHAUSTED, e.getStatus().getCode());
            assertEquals("1000", e.getTrailers().get(Errors.PUSHBACK_MS));
            // Calls on different threads may race past the check by as many as there are threads.
            assertTrue(fixture.inference.running.size() <= limit + 4, "running: " + fixture.inference.running.size());
        } finally {
            for (RawHttp2 client : raw) client.close();
        }
        DoorFixture.await("all are gone", () -> fixture.door.holdings().calls() == 0);
        fixture.inference.script = ScriptedInference::echo;
        assertServes();
    }

    @Test
    void requestsThatNeverBecomeWhole() throws Exception {
        open();
        long before = Memory.liveBytes();
        byte[] beginning = new byte[16_000];
        ByteBuffer.wrap(beginning).put((byte) 0).putInt(1 << 20);
        List<RawHttp2> raw = new ArrayList<>();
        try {
            for (int c = 0; c < 6; c++) {
                RawHttp2 client = RawHttp2.connect(fixture.door.port());
                raw.add(client);
                for (int s = 0; s < 10; s++) {
                    client.headers(2 * s + 1, "/skald.v1.Inference/Generate", List.of());
                    client.frame(RawHttp2.DATA, 0, 2 * s + 1, beginning);
                }
            }
            byte[] more = new byte[16_000];
            // Each of 60 streams sends 640 KB of its megabyte: 38 MB in all, with a limit of 4 MB.
            for (int round = 0; round < 40; round++) {
                for (RawHttp2 client : raw) {
                    for (int s = 0; s < 10; s++) sendQuietly(client, 2 * s + 1, more);
                }
            }
            assertTrue(fixture.door.holdings().inboundBytes() <= 4 << 20, fixture.door.holdings().toString());
            assertHeld(before, 60L * DoorLimits.FLOW_CONTROL_WINDOW_BYTES);
            raw.getFirst().await(frame -> frame.type() == RawHttp2.HEADERS || frame.type() == RawHttp2.RST_STREAM);
        } finally {
            for (RawHttp2 client : raw) client.close();
        }
        DoorFixture.await("nothing is held", () -> fixture.door.holdings().equals(new Door.Holdings(0, 0, 0)));
        assertServes();
    }

    @Test
    void answersThatNobodyTakes() throws Exception {
        open();
        int bytes = 360_000; // the answer has ids beside the text
        fixture.inference.script = run -> {
            if (run.promptTokens().size() > 1) {
                ScriptedInference.echo(run);
                return;
            }
            run.admit();
            run.start();
            for (int i = 0; i < 9; i++) run.delta(0, "y".repeat(bytes / 9));
            run.finish(0, dev.skald.schedule.FinishReason.LENGTH);
            run.complete(9);
        };
        long before = Memory.liveBytes();
        AtomicLong mostHeld = new AtomicLong();
        List<RawHttp2> raw = new ArrayList<>();
        try {
            // Ten times the limit of 4 MB, in five connections without a window.
            for (int c = 0; c < 5; c++) {
                RawHttp2 client = RawHttp2.connect(fixture.door.port(), 0);
                raw.add(client);
                for (int s = 0; s < 10; s++) {
                    client.headers(2 * s + 1, "/skald.v1.Inference/Generate", List.of());
                    client.frame(RawHttp2.DATA, RawHttp2.END_STREAM, 2 * s + 1,
                            RawHttp2.grpcMessage(GenerateRequest.newBuilder().setText("x").build().toByteArray()));
                }
            }
            DoorFixture.await("all has been answered, refused or dropped", () -> {
                mostHeld.accumulateAndGet(fixture.door.holdings().outboundBytes(), Math::max);
                return fixture.inference.started.get() == 50 && fixture.inference.running.isEmpty() && fixture.door.holdings().calls() == 0;
            });
            assertTrue(mostHeld.get() > 1 << 20 && mostHeld.get() <= 4 << 20, mostHeld.get() + " bytes were held");
            assertHeld(before, 2L * (4 << 20));
            assertServes();
        } finally {
            for (RawHttp2 client : raw) client.close();
        }
        DoorFixture.await("nothing is held", () -> fixture.door.holdings().equals(new Door.Holdings(0, 0, 0)));
    }

    private static void sendQuietly(RawHttp2 client, int stream, byte[] bytes) {
        try {
            client.frame(RawHttp2.DATA, 0, stream, bytes);
        } catch (IOException e) {
            // The server may have had enough of this connection.
        }
    }

    @Test
    void aRequestThatDoesNotArriveIsNotWaitedForForever() throws Exception {
        DoorLimits d = DoorLimits.DEFAULT;
        open(new DoorLimits(d.maxMessageBytes(), d.maxHeaderBytes(), 20, 10, 60, d.maxInboundBytes(), d.maxOutboundBytes(), d.streamBufferBytes(),
                Duration.ofMillis(300), d.slowReaderTimeout(), d.handshakeTimeout(), d.keepAliveTime(), d.keepAliveTimeout(), d.permitKeepAliveTime(),
                d.maxConnectionIdle(), d.maxConnectionAge(), 100));
        try (RawHttp2 client = RawHttp2.connect(fixture.door.port())) {
            client.headers(1, "/skald.v1.Inference/Generate", List.of());
            RawHttp2.Frame end = client.await(frame -> frame.type() == RawHttp2.HEADERS && frame.stream() == 1);
            assertEquals(RawHttp2.END_STREAM, end.flags() & RawHttp2.END_STREAM);
            DoorFixture.await("nothing is held", () -> fixture.door.holdings().calls() == 0);
        }
    }

    @Test
    void streamsOpenedAndResetAtOnce() throws Exception {
        open();
        hang();
        try (RawHttp2 client = RawHttp2.connect(fixture.door.port())) {
            int[] stream = {1};
            untilRefused(client, TIMES * 100, i -> {
                client.startGenerateStream(stream[0], "x");
                client.frame(RawHttp2.RST_STREAM, 0, stream[0], ByteBuffer.allocate(4).putInt(8).array());
                stream[0] += 2;
            });
        }
        DoorFixture.await("nothing is left of it", () -> fixture.door.holdings().calls() == 0 && fixture.inference.running.isEmpty());
        assertTrue(fixture.inference.started.get() <= 110, "requests started: " + fixture.inference.started.get());
        fixture.inference.script = ScriptedInference::echo;
        assertServes();
    }

    @Test
    void pingsWithoutPause() throws Exception {
        open();
        try (RawHttp2 client = RawHttp2.connect(fixture.door.port())) {
            untilRefused(client, 10_000, i -> client.frame(RawHttp2.PING, 0, 0, new byte[8]));
        }
        assertServes();
    }

    @Test
    void settingsWithoutPause() throws Exception {
        open();
        long before = Memory.liveBytes();
        try (RawHttp2 client = RawHttp2.connect(fixture.door.port())) {
            for (int i = 0; i < 200_000 && !client.closedByServer(); i++) {
                client.frame(RawHttp2.SETTINGS, 0, 0, new byte[0]);
            }
            assertHeld(before, 0);
        } catch (IOException closed) {
            // Also an answer.
        }
        assertServes();
    }

    @Test
    void connectionsThatSayNothing() throws Exception {
        open();
        List<java.net.Socket> silent = new ArrayList<>();
        for (int i = 0; i < 20; i++) silent.add(new java.net.Socket("127.0.0.1", fixture.door.port()));
        for (java.net.Socket socket : silent) {
            socket.setSoTimeout(60_000);
            while (socket.getInputStream().read() >= 0) {} // the server's own first frames, until it closes
            socket.close();
        }
        DoorFixture.await("none is counted any more", () -> fixture.door.openConnections() == 0);
        assertServes();
    }

    private interface Attack {
        void step(int i) throws IOException;
    }

    /** Goes on until the server ends the connection, which it must before {@code most} steps and a moment to notice. */
    private static void untilRefused(RawHttp2 client, int most, Attack attack) throws Exception {
        try {
            for (int i = 0; i < most && !client.closedByServer(); i++) attack.step(i);
        } catch (IOException e) {
            return;
        }
        RawHttp2.Frame end = client.await(frame -> frame.type() == RawHttp2.GOAWAY);
        assertTrue(end.error() != 0, "GOAWAY with error " + end.error());
    }

    private void hang() {
        fixture.inference.script = run -> {
            run.admit();
            run.awaitCancelled();
        };
    }

    private static void assertHeld(long before, long expected) {
        long held = Memory.liveBytes() - before;
        assertTrue(held < expected + HEAP_SLACK, "held: " + held + " bytes, more than " + (expected + HEAP_SLACK));
    }

    private void assertServes() {
        assertEquals("hello", InferenceGrpc.newBlockingStub(fixture.channel()).withDeadlineAfter(20, TimeUnit.SECONDS).generate(hello()).getChoices(0).getText());
    }

    private static GenerateRequest hello() {
        return GenerateRequest.newBuilder().setText("hello").build();
    }
}
