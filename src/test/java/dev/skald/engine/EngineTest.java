package dev.skald.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.compute.StepOutput;
import dev.skald.sampling.SamplingParams;
import dev.skald.schedule.Failure;
import dev.skald.schedule.Limits;
import dev.skald.schedule.Policy;
import dev.skald.schedule.StepBudget;
import dev.skald.schedule.StepPlan;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The engine with its own thread. Waits for events, never for a time. */
@Timeout(60)
class EngineTest {
    private static final Limits LIMITS = new Limits(16, 4, 64, 64, 2, 256, 4, 5, 80, 16);

    /** Steps run only as far as the test lets them. */
    private static final class GatedExecutor implements Executor {
        private final Executor inner;
        private final Semaphore gate;

        GatedExecutor(Executor inner, int permits) {
            this.inner = inner;
            gate = new Semaphore(permits);
        }

        @Override
        public void submit(StepPlan plan) {
            inner.submit(plan);
        }

        @Override
        public StepOutput await(long stepId) {
            gate.acquireUninterruptibly();
            return inner.await(stepId);
        }

        @Override
        public int maxInFlight() {
            return inner.maxInFlight();
        }
    }

    private static Engine engine(Executor executor, AtomicLong clock) {
        EngineConfig config = new EngineConfig(LIMITS, Policy.DEFAULT, StepBudget.unlimited(64), FakeModel.VOCABULARY, Duration.ofSeconds(60));
        return new Engine(config, executor, clock::get);
    }

    private static Engine open(int depth) {
        return engine(new FakeExecutor(LIMITS, depth, true, plan -> {}), new AtomicLong(1)).start();
    }

    private static RequestBuilder ask(String id, int max) {
        return new RequestBuilder(id, RequestBuilder.ids(20, id.hashCode() & 63)).max(max);
    }

    private static Recorder submit(Engine engine, RequestBuilder request) {
        Recorder recorder = new Recorder();
        engine.submit(request.build(), recorder);
        return recorder;
    }

    private static void await(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            try {
                Thread.sleep(1);
            } catch (InterruptedException e) {
                throw new AssertionError("interrupted: the test took too long", e);
            }
        }
    }

    @Test
    void aRequestsEventsComeInOrder() {
        try (Engine engine = open(1)) {
            Recorder r = submit(engine, ask("a", 2).score(1, 2));
            await(r::over);
            List<Class<?>> kinds = new ArrayList<>();
            r.events().forEach(e -> kinds.add(e.getClass()));
            assertEquals(
                    List.of(
                            TokenEvent.Admitted.class,
                            TokenEvent.Started.class,
                            TokenEvent.PromptScored.class,
                            TokenEvent.Token.class,
                            TokenEvent.Token.class,
                            TokenEvent.Finished.class,
                            TokenEvent.Completed.class),
                    kinds);
            assertEquals(19, r.first(TokenEvent.PromptScored.class).orElseThrow().logprobs().size());
        }
    }

    @Test
    void whatIsWrongWithARequestIsSaidBeforeItIsQueued() {
        try (Engine engine = open(1)) {
            Map<String, RequestBuilder> wrong = new LinkedHashMap<>();
            wrong.put("the prompt is empty", new RequestBuilder("x"));
            wrong.put("the prompt has 256 tokens", new RequestBuilder("x", RequestBuilder.ids(256, 1)));
            wrong.put("prompt token 1 is 199", new RequestBuilder("x", 1, FakeModel.VOCABULARY));
            wrong.put("prompt token 0 is -1", new RequestBuilder("x", -1));
            wrong.put("n 1000000000 is outside [1, 4]", ask("x", 1).choices(1_000_000_000));
            wrong.put("max_tokens 0 leaves nothing", ask("x", 0));
            wrong.put("score_from 21 is outside [1, 20", ask("x", 1).score(21, 0));
            wrong.put("prompt_logprobs 6 is outside", ask("x", 1).score(1, 6));
            wrong.put("eos id is 199", ask("x", 1).eos(199));
            wrong.put("priority 101", ask("x", 1).priority(101));
            wrong.put("the cache salt has 257 characters", ask("x", 1).salt("s".repeat(257)));
            wrong.put("a request id has 1 to 256 characters", ask("", 1));
            RequestBuilder bias = ask("x", 1);
            bias.sampling = new SamplingParams(0, 0, 1, 0, 1, 0, 0, Map.of(500, 1f), List.of(), List.of());
            wrong.put("logit_bias id is 500", bias);
            wrong.forEach((sentence, request) -> {
                Recorder r = submit(engine, request);
                assertTrue(r.over(), "a refusal comes before submit returns");
                assertEquals(Failure.Kind.INVALID, r.failure().kind());
                assertTrue(r.failure().message().startsWith(sentence), r.failure().message());
            });
            assertEquals(0, engine.liveRequests());
        }
    }

    @Test
    void anIdIsTakenUntilItsLastEvent() {
        GatedExecutor gated = new GatedExecutor(new FakeExecutor(LIMITS, 1, true, plan -> {}), 0);
        try (Engine engine = engine(gated, new AtomicLong(1)).start()) {
            Recorder first = submit(engine, ask("same", 2));
            assertEquals(Failure.Kind.INVALID, submit(engine, ask("same", 2)).failure().kind());
            gated.gate.release(1000);
            await(first::over);
            Recorder again = submit(engine, ask("same", 2));
            await(again::over);
            again.completed();
        }
    }

    @Test
    void aFloodIsRefusedWhenTheQueueIsFullAndTheMailboxStaysSmall() {
        GatedExecutor gated = new GatedExecutor(new FakeExecutor(LIMITS, 1, true, plan -> {}), 0);
        try (Engine engine = engine(gated, new AtomicLong(1)).start()) {
            List<Recorder> all = new ArrayList<>();
            for (int i = 0; i < 4; i++) all.add(submit(engine, ask("first" + i, 5)));
            await(() -> engine.snapshot().load().runningRequests() > 0);
            int refused = 0;
            for (int i = 0; i < 200; i++) {
                Recorder r = new Recorder();
                RequestHandle handle = engine.submit(ask("flood" + i, 5).build(), r);
                for (int j = 0; j < 50; j++) {
                    handle.pause();
                    handle.resume();
                }
                all.add(r);
                if (r.over()) {
                    refused++;
                    assertEquals(Failure.Kind.OVERLOADED, r.failure().kind());
                    assertTrue(r.failure().retryAfter().isPresent());
                }
            }
            int limit = LIMITS.maxQueued() + LIMITS.maxSequences();
            assertTrue(engine.liveRequests() <= limit && refused >= 204 - limit, refused + " refused, " + engine.liveRequests() + " live");
            assertTrue(engine.waitingCommands() <= 2 * limit, engine.waitingCommands() + " commands");
            gated.gate.release(10_000);
            await(() -> all.stream().allMatch(Recorder::over));
            assertEquals(refused, all.stream().filter(r -> r.first(TokenEvent.Failed.class).isPresent()).count());
        }
    }

    @ParameterizedTest(name = "depth {0}")
    @ValueSource(ints = {1, 2, 3})
    void aStormOfCancelsLeaksNoBlock(int depth) {
        long seed = 4711;
        Random random = new Random(seed);
        Executor slow = new FakeExecutor(LIMITS, depth, true, plan -> LockSupport.parkNanos(300_000));
        try (Engine engine = engine(slow, new AtomicLong(1)).start()) {
            List<Recorder> all = new ArrayList<>();
            for (int i = 0; i < 600; i++) {
                Recorder r = new Recorder();
                RequestHandle handle = engine.submit(ask("c" + i, 1 + random.nextInt(60)).choices(1 + random.nextInt(3)).build(), r);
                all.add(r);
                int tokens = random.nextInt(4);
                if (random.nextInt(3) > 0) await(() -> r.over() || r.tokens() >= tokens);
                if (random.nextInt(10) > 0) handle.cancel(Failure.of(Failure.Kind.CANCELLED, "vanished"));
            }
            await(() -> all.stream().allMatch(Recorder::over));
            await(() -> engine.liveRequests() == 0 && engine.snapshot().load().kvBlocksUsed() == 0);
            assertEquals(0, engine.snapshot().load().runningSequences(), "seed " + seed);
            assertTrue(all.stream().anyMatch(r -> r.first(TokenEvent.Completed.class).isPresent()));
            long cancelled = all.stream().filter(r -> r.first(TokenEvent.Failed.class).filter(EngineTest::cancelled).isPresent()).count();
            assertTrue(cancelled > 200, cancelled + " of 600 were cancelled");
        }
    }

    private static boolean cancelled(TokenEvent.Failed failed) {
        return failed.failure().kind() == Failure.Kind.CANCELLED;
    }

    @Test
    void anOperatorAbortsByIdAndAQueuedRequestToo() {
        GatedExecutor gated = new GatedExecutor(new FakeExecutor(LIMITS, 1, true, plan -> {}), 0);
        try (Engine engine = engine(gated, new AtomicLong(1)).start()) {
            List<Recorder> all = new ArrayList<>();
            for (int i = 0; i < 8; i++) all.add(submit(engine, ask("a" + i, 50)));
            assertEquals(List.of("a1", "a7"), engine.abort(List.of("a1", "nobody", "a7")));
            gated.gate.release(10_000);
            await(() -> all.stream().allMatch(Recorder::over));
            for (int i : new int[] {1, 7}) assertEquals(Failure.Kind.ABORTED, all.get(i).failure().kind());
            all.get(0).completed();
        }
    }

    @Test
    void aStallIsSeenByOthersAndPassesWhenAStepCompletes() {
        GatedExecutor gated = new GatedExecutor(new FakeExecutor(LIMITS, 1, true, plan -> {}), 0);
        AtomicLong clock = new AtomicLong(1);
        try (Engine engine = engine(gated, clock).start()) {
            clock.addAndGet(Duration.ofHours(1).toNanos());
            assertEquals(EngineHealth.WELL, engine.health(), "an idle engine is well for as long as it likes");
            Recorder r = submit(engine, ask("stalled", 3));
            await(() -> engine.snapshot().load().runningRequests() == 1);
            clock.addAndGet(Duration.ofSeconds(60).toNanos());
            assertEquals(EngineHealth.WELL, engine.health());
            clock.addAndGet(1);
            assertInstanceOf(EngineHealth.Stuck.class, engine.health());
            gated.gate.release(1);
            await(() -> r.tokens() == 1);
            await(() -> engine.health().equals(EngineHealth.WELL));
            gated.gate.release(100);
            await(r::over);
            r.completed();
        }
    }

    @Test
    void aLongPromptThatProgressesIsNoStall() {
        GatedExecutor gated = new GatedExecutor(new FakeExecutor(LIMITS, 1, true, plan -> {}), 0);
        AtomicLong clock = new AtomicLong(1);
        try (Engine engine = engine(gated, clock).start()) {
            Recorder r = submit(engine, new RequestBuilder("long", RequestBuilder.ids(250, 1)).max(1));
            await(() -> engine.snapshot().load().runningRequests() == 1);
            for (int step = 1; step <= 4; step++) {
                clock.addAndGet(Duration.ofSeconds(50).toNanos());
                assertEquals(EngineHealth.WELL, engine.health(), "step " + step);
                gated.gate.release(1);
                int done = step;
                await(() -> engine.stepLog().steps().size() == done);
                await(() -> r.over() || engine.snapshot().steps() == done);
            }
            await(r::over);
            assertTrue(clock.get() > EngineConfig.DEFAULT_STALL_TIMEOUT.toNanos() * 3);
        }
    }

    @Test
    void aBrokenInvariantFailsAllRequestsAndIsSaid() {
        Executor broken = new FakeExecutor(LIMITS, 1, true, plan -> {
            if (plan.id() == 3) throw new IllegalStateException("broken on purpose");
        });
        GatedExecutor gated = new GatedExecutor(broken, 0);
        try (Engine engine = engine(gated, new AtomicLong(1)).start()) {
            List<Recorder> all = new ArrayList<>();
            for (int i = 0; i < 6; i++) all.add(submit(engine, ask("b" + i, 50)));
            gated.gate.release(3);
            await(() -> all.stream().allMatch(Recorder::over));
            all.forEach(r -> assertEquals(Failure.Kind.INTERNAL, r.failure().kind()));
            await(() -> engine.health() instanceof EngineHealth.Broken);
            assertEquals(Failure.Kind.UNAVAILABLE, submit(engine, ask("later", 1)).failure().kind());
            assertTrue(!engine.health().alive());
        }
    }

    @Test
    void aSinkThatThrowsEndsItsOwnRequestOnly() {
        try (Engine engine = open(1)) {
            Recorder good = submit(engine, ask("good", 100));
            List<TokenEvent> bad = new ArrayList<>();
            engine.submit(ask("bad", 100).build(), event -> {
                synchronized (bad) {
                    bad.add(event);
                }
                if (event instanceof TokenEvent.Token) throw new IllegalArgumentException("thrown on purpose");
            });
            await(good::over);
            good.completed();
            await(() -> engine.liveRequests() == 0);
            synchronized (bad) {
                assertEquals(Failure.Kind.INTERNAL, assertInstanceOf(TokenEvent.Failed.class, bad.getLast()).failure().kind());
            }
        }
    }

    @Test
    void drainingRefusesNewRequestsAndLetsTheOthersEnd() throws InterruptedException {
        GatedExecutor gated = new GatedExecutor(new FakeExecutor(LIMITS, 2, true, plan -> {}), 0);
        try (Engine engine = engine(gated, new AtomicLong(1)).start()) {
            Recorder old = submit(engine, ask("old", 30));
            engine.drain();
            assertEquals(Failure.Kind.UNAVAILABLE, submit(engine, ask("new", 1)).failure().kind());
            assertTrue(!engine.awaitIdle(Duration.ofMillis(10)));
            gated.gate.release(1000);
            assertTrue(engine.awaitIdle(Duration.ofSeconds(50)));
            assertEquals(30, old.completed().usage().completionTokens());
        }
    }

    @Test
    void closingEndsEveryRequest() {
        Engine engine = open(2);
        List<Recorder> all = new ArrayList<>();
        for (int i = 0; i < 10; i++) all.add(submit(engine, new RequestBuilder("r" + i, 1, 2, 3)));
        engine.close();
        all.forEach(r -> assertTrue(r.over()));
        assertInstanceOf(EngineHealth.Closed.class, engine.health());
        assertEquals(Failure.Kind.UNAVAILABLE, submit(engine, ask("late", 1)).failure().kind());
        engine.close();
        Engine never = engine(new FakeExecutor(LIMITS, 1, true, plan -> {}), new AtomicLong(1));
        Recorder queued = submit(never, ask("queued", 1));
        never.close();
        assertEquals(Failure.Kind.UNAVAILABLE, queued.failure().kind());
    }

    @Test
    void theLimitsSayWhatTheyMean() {
        Limits limits = new Limits(256, 64, 2048, 64, 4, 2048, 16, 20, 18_432, 16);
        assertTrue(limits.explain().startsWith("KV cache 18,432 blocks × 16 tokens = 294,912 tokens, 144 full-length sequences"), limits.explain());
    }
}
