package dev.skald.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.api.v1.GenerateResponse;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a health client sees of an operation that hangs, and of one that only takes long: a real device behind a real door. */
@Timeout(90)
class StallTest {
    private static final Duration STALL_TIMEOUT = Duration.ofSeconds(1);

    @TempDir
    Path folder;

    private EngineFixture fixture;

    private void open(Consumer<String> before) throws Exception {
        fixture = new EngineFixture(folder, EngineFixture.limits(4, 8, STALL_TIMEOUT, Duration.ofSeconds(30)), 64, DoorLimits.DEFAULT, before);
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    @Test
    void anOperationThatHangsIsSeenByTheLivenessProbeUntilItGoesOn() throws Exception {
        CountDownLatch hanging = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        AtomicInteger left = new AtomicInteger(Integer.MAX_VALUE);
        open(operation -> {
            if (!operation.equals("attention") || left.decrementAndGet() != 0) return;
            hanging.countDown();
            awaitQuietly(release);
        });
        GenerateResponse undisturbed = fixture.stub().generate(EngineFixture.request(1, 40, 20).build());
        BlockingQueue<ServingStatus> live = watch("skald.live");
        BlockingQueue<ServingStatus> ready = watch("");
        assertEquals(ServingStatus.SERVING, next(live));
        assertEquals(ServingStatus.SERVING, next(ready));

        left.set(15); // two layers: in the second one of the eighth step
        CompletableFuture<GenerateResponse> answer = CompletableFuture.supplyAsync(
                () -> fixture.stub().generate(EngineFixture.request(1, 40, 20).build()), task -> Thread.ofVirtual().start(task));
        assertTrue(hanging.await(EngineFixture.PATIENCE_SECONDS, TimeUnit.SECONDS));
        long hung = System.nanoTime();
        assertEquals(ServingStatus.NOT_SERVING, next(live));
        long seen = System.nanoTime();
        assertEquals(ServingStatus.NOT_SERVING, next(ready));
        assertEquals(ServingStatus.NOT_SERVING, check("skald.live"));
        System.out.printf("an operation hung with a stall timeout of %d ms: NOT_SERVING after %d ms%n", STALL_TIMEOUT.toMillis(), (seen - hung) / 1_000_000);

        release.countDown();
        assertEquals(ServingStatus.SERVING, next(live));
        assertEquals(ServingStatus.SERVING, next(ready));
        assertEquals(undisturbed.getChoicesList(), answer.get(EngineFixture.PATIENCE_SECONDS, TimeUnit.SECONDS).getChoicesList());
        assertEquals(List.of(), List.copyOf(live), "nothing else was told");
    }

    @Test
    void aLongPromptThatGoesOnIsNoStall() throws Exception {
        AtomicInteger slow = new AtomicInteger();
        open(operation -> {
            if (operation.equals("embed") && slow.get() > 0) sleepQuietly(80);
        });
        BlockingQueue<ServingStatus> live = watch("skald.live");
        assertEquals(ServingStatus.SERVING, next(live));
        int before = fixture.engine.engine().stepLog().steps().size();
        slow.set(1);
        long begun = System.nanoTime();
        GenerateResponse answer = fixture.stub().generate(EngineFixture.request(1, 200, 1).build());
        long took = System.nanoTime() - begun;
        assertEquals(200, answer.getUsage().getPromptTokens());
        assertTrue(took > 2 * STALL_TIMEOUT.toNanos(), "the prompt took " + took + " ns, which proves nothing");
        assertTrue(fixture.engine.engine().stepLog().steps().size() - before >= 200 / 8);
        assertEquals(ServingStatus.SERVING, check("skald.live"));
        assertEquals(List.of(), List.copyOf(live), "no change was told");
    }

    private ServingStatus check(String service) {
        return HealthGrpc.newBlockingStub(fixture.channel).check(HealthCheckRequest.newBuilder().setService(service).build()).getStatus();
    }

    private static ServingStatus next(BlockingQueue<ServingStatus> statuses) throws InterruptedException {
        ServingStatus status = statuses.poll(EngineFixture.PATIENCE_SECONDS, TimeUnit.SECONDS);
        if (status == null) throw new AssertionError("no status was told for " + EngineFixture.PATIENCE_SECONDS + " s");
        return status;
    }

    private BlockingQueue<ServingStatus> watch(String service) {
        BlockingQueue<ServingStatus> told = new LinkedBlockingQueue<>();
        HealthGrpc.newStub(fixture.channel).watch(HealthCheckRequest.newBuilder().setService(service).build(), new StreamObserver<>() {
            @Override
            public void onNext(HealthCheckResponse response) {
                told.add(response.getStatus());
            }

            @Override
            public void onError(Throwable t) {}

            @Override
            public void onCompleted() {}
        });
        return told;
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void sleepQuietly(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
