package dev.skald.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.api.v1.Continuation;
import dev.skald.api.v1.ScoreContinuationsRequest;
import dev.skald.api.v1.ScoreContinuationsResponse;
import dev.skald.api.v1.TokenIds;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A drain that begins while a call has not yet asked the engine for everything it needs. */
@Timeout(90)
class EngineDrainTest {
    private static final int PARTS = 20;

    @TempDir
    Path folder;

    @Test
    void whatACallStillHasToAskOfTheEngineIsCarriedOn() throws Exception {
        CountDownLatch running = new CountDownLatch(1);
        CountDownLatch drained = new CountDownLatch(1);
        boolean[] hold = {false};
        try (EngineFixture fixture = new EngineFixture(
                folder, EngineFixture.limits(4, 64, Duration.ofSeconds(60), Duration.ofSeconds(60)), 64, DoorLimits.DEFAULT, operation -> {
                    if (!hold[0] || !operation.equals("embed")) return;
                    running.countDown();
                    try {
                        drained.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                })) {
            ScoreContinuationsResponse expected = fixture.stub().scoreContinuations(request());
            hold[0] = true; // seen by the engine thread through its mailbox, as the request is
            CompletableFuture<ScoreContinuationsResponse> answer = CompletableFuture.supplyAsync(
                    () -> fixture.stub().scoreContinuations(request()), task -> Thread.ofVirtual().start(task));
            assertTrue(running.await(EngineFixture.PATIENCE_SECONDS, TimeUnit.SECONDS));
            CompletableFuture<Boolean> cut = CompletableFuture.supplyAsync(() -> {
                try {
                    return fixture.door.drain(Duration.ZERO, Duration.ofSeconds(EngineFixture.PATIENCE_SECONDS));
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }, task -> Thread.ofVirtual().start(task));
            DoorFixture.await("the drain has begun", () -> !fixture.engine.operations().health().ready());
            drained.countDown();
            assertEquals(expected.getScoresList(), answer.get(EngineFixture.PATIENCE_SECONDS, TimeUnit.SECONDS).getScoresList());
            assertFalse(cut.get(EngineFixture.PATIENCE_SECONDS, TimeUnit.SECONDS));
        }
    }

    private static ScoreContinuationsRequest request() {
        ScoreContinuationsRequest.Builder request = ScoreContinuationsRequest.newBuilder().setTokenIds(TokenIds.newBuilder().addIds(60).addIds(61));
        for (int i = 0; i < PARTS; i++) {
            request.addContinuations(Continuation.newBuilder().setTokenIds(TokenIds.newBuilder().addIds(70 + i).addIds(200 + i)));
        }
        return request.build();
    }
}
