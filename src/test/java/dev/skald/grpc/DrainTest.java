package dev.skald.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.api.v1.GenerateRequest;
import dev.skald.api.v1.GenerateStreamRequest;
import dev.skald.api.v1.InferenceGrpc;
import dev.skald.schedule.FinishReason;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The end of the door, under load. */
class DrainTest {
    private DoorFixture fixture;

    @BeforeEach
    void open() throws Exception {
        fixture = new DoorFixture();
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    @Test
    void streamsFinishNewCallsAreRefusedAndNothingIsCut() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        fixture.inference.script = run -> {
            run.admit();
            run.start();
            go.await();
            for (int i = 0; i < 50; i++) run.delta(0, "x");
            run.finish(0, FinishReason.LENGTH);
            run.complete(50);
        };
        List<CompletableFuture<Integer>> answers = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            answers.add(CompletableFuture.supplyAsync(() -> {
                int[] deltas = {0};
                fixture.stub().generateStream(GenerateStreamRequest.newBuilder().setText("x").build())
                        .forEachRemaining(event -> deltas[0] += event.hasDelta() ? 1 : 0);
                return deltas[0];
            }, task -> Thread.ofVirtual().start(task)));
        }
        DoorFixture.await("eight streams run", () -> fixture.inference.running.size() == 8);
        var healthStub = HealthGrpc.newBlockingStub(fixture.channel()).withDeadlineAfter(20, TimeUnit.SECONDS);
        var workStub = fixture.stub();
        assertEquals(ServingStatus.SERVING, healthStub.check(HealthCheckRequest.getDefaultInstance()).getStatus());
        var watch = healthStub.watch(HealthCheckRequest.getDefaultInstance());
        assertEquals(ServingStatus.SERVING, watch.next().getStatus());

        CompletableFuture<Boolean> cut = drain(Duration.ofSeconds(1), Duration.ofSeconds(20));
        assertEquals(ServingStatus.NOT_SERVING, watch.next().getStatus());
        assertEquals(ServingStatus.NOT_SERVING, healthStub.check(HealthCheckRequest.getDefaultInstance()).getStatus(), "still listening");
        assertEquals(ServingStatus.SERVING, healthStub.check(HealthCheckRequest.newBuilder().setService("skald.live").build()).getStatus());
        StatusRuntimeException refused = assertThrows(StatusRuntimeException.class,
                () -> workStub.generate(GenerateRequest.newBuilder().setText("x").build()));
        assertEquals(Status.Code.UNAVAILABLE, refused.getStatus().getCode());
        assertTrue(fixture.inference.drained);
        go.countDown();
        for (CompletableFuture<Integer> answer : answers) assertEquals(50, answer.get(20, TimeUnit.SECONDS));
        assertFalse(cut.get(30, TimeUnit.SECONDS));
        assertThrows(ConnectException.class, () -> new Socket(InetAddress.getLoopbackAddress(), fixture.door.port()).close());
    }

    @Test
    void streamsThatOutlastTheTimeoutAreCutAndSaySo() throws Exception {
        fixture.inference.script = run -> {
            run.admit();
            run.start();
            run.awaitCancelled();
        };
        DoorFixture.ManualStream stream = new DoorFixture.ManualStream();
        InferenceGrpc.newStub(fixture.channel()).generateStream(GenerateStreamRequest.newBuilder().setText("x").build(), stream);
        assertTrue(stream.next().hasStarted());
        ScriptedInference.Run run = fixture.inference.running.iterator().next();
        stream.call.request(1);
        assertTrue(drain(Duration.ofMillis(1), Duration.ofMillis(200)).get(30, TimeUnit.SECONDS));
        assertEquals(Status.Code.UNAVAILABLE, stream.status().getCode());
        assertEquals("the server ended before the answer did", stream.status().getDescription());
        run.awaitCancelled();
    }

    @Test
    void anIdleDoorClosesAtOnce() throws Exception {
        assertFalse(drain(Duration.ofMillis(1), Duration.ofSeconds(20)).get(20, TimeUnit.SECONDS));
    }

    private CompletableFuture<Boolean> drain(Duration delay, Duration timeout) {
        return CompletableFuture.supplyAsync(() -> {
            try {
                return fixture.door.drain(delay, timeout);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }, task -> Thread.ofVirtual().start(task));
    }
}
