package dev.skald.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.compute.DeviceLostException;
import dev.skald.compute.StepOutput;
import dev.skald.engine.Engine;
import dev.skald.engine.EngineConfig;
import dev.skald.engine.Executor;
import dev.skald.engine.TokenEvent;
import dev.skald.grpc.Door;
import dev.skald.grpc.DoorConfig;
import dev.skald.sampling.SamplingParams;
import dev.skald.schedule.EngineRequest;
import dev.skald.schedule.Failure;
import dev.skald.schedule.Limits;
import dev.skald.schedule.Policy;
import dev.skald.schedule.StepBudget;
import dev.skald.schedule.StepPlan;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How the daemon's main thread ends it: by signals, and when the engine breaks. */
class ServeLoopTest {
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final AtomicInteger halted = new AtomicInteger(-1);
    private final ServeLoop loop = new ServeLoop(
            new Stdio(System.out, new PrintStream(err, true, StandardCharsets.UTF_8), new ByteArrayInputStream(new byte[0]), Map.of()),
            Duration.ZERO,
            Duration.ofSeconds(5),
            halted::set);

    /** Breaks the engine with its first step. */
    private record Breaking(RuntimeException cause) implements Executor {
        @Override
        public void submit(StepPlan plan) {
            throw cause;
        }

        @Override
        public StepOutput await(long stepId) {
            throw new AssertionError();
        }

        @Override
        public int maxInFlight() {
            return 1;
        }
    }

    private static Engine engine(RuntimeException cause) {
        Limits limits = new Limits(4, 2, 16, 2, 1, 64, 2, 0, 8, 16);
        return new Engine(new EngineConfig(limits, Policy.DEFAULT, StepBudget.timed(16), 100, Duration.ofSeconds(30)), new Breaking(cause)).start();
    }

    @Test
    @Timeout(value = 60, unit = TimeUnit.SECONDS)
    void aBrokenEngineFailsItsRequestsAndEndsTheProcessWithFive() throws Exception {
        endsWith(ExitCode.INVARIANT_BROKEN, new IllegalStateException("no block is free that should be"), "the engine is broken", Failure.Kind.INTERNAL);
    }

    @Test
    @Timeout(value = 60, unit = TimeUnit.SECONDS)
    void aLostDeviceFailsItsRequestsAndEndsTheProcessWithFour() throws Exception {
        endsWith(
                ExitCode.DEVICE_LOST, new DeviceLostException("the CUDA device is lost: cuLaunchKernel failed"),
                "skald: all requests have failed: the CUDA device is lost: cuLaunchKernel failed", Failure.Kind.UNAVAILABLE);
    }

    private void endsWith(int exitCode, RuntimeException cause, String said, Failure.Kind kind) throws Exception {
        try (Door door = Door.open(DoorConfig.loopback());
                Engine engine = engine(cause)) {
            CompletableFuture<Integer> code = new CompletableFuture<>();
            loop.beginServing();
            Thread main = Thread.ofPlatform().start(() -> {
                try {
                    code.complete(loop.run(door, engine));
                } catch (InterruptedException e) {
                    code.completeExceptionally(e);
                }
            });
            List<TokenEvent> events = new ArrayList<>();
            CompletableFuture<TokenEvent> last = new CompletableFuture<>();
            engine.submit(
                    new EngineRequest("r", new int[] {1}, SamplingParams.GREEDY, 0, 1, OptionalInt.of(3), 0, List.of(), List.of(), -1, -1, 1, 0,
                            OptionalLong.empty(), OptionalLong.empty(), "", false, false),
                    event -> {
                        events.add(event);
                        if (event instanceof TokenEvent.Failed) last.complete(event);
                    });
            assertEquals(kind, ((TokenEvent.Failed) last.get(30, TimeUnit.SECONDS)).failure().kind());
            assertEquals(exitCode, code.get(30, TimeUnit.SECONDS));
            main.join();
            assertTrue(err.toString(StandardCharsets.UTF_8).contains(said), err.toString(StandardCharsets.UTF_8));
            for (int i = 0; i < 600 && halted.get() < 0; i++) Thread.sleep(20);
            assertEquals(exitCode, halted.get(), "even if something held the process up");
        }
    }

    @Test
    @Timeout(value = 60, unit = TimeUnit.SECONDS)
    void aSignalDrainsAndASecondOneHalts() throws Exception {
        try (Door door = Door.open(DoorConfig.loopback());
                Engine engine = engine(new IllegalStateException("nobody asks"))) {
            loop.beginServing();
            loop.signal();
            assertEquals(-1, halted.get());
            assertEquals(ExitCode.OK, loop.run(door, engine));
            loop.signal();
            assertEquals(ExitCode.FAILED, halted.get());
        }
    }

    @Test
    void aSignalWhileLoadingEndsAtOnceSinceNobodyIsServed() {
        loop.signal();
        assertEquals(ExitCode.OK, halted.get());
    }
}
