package dev.skald.engine;

import dev.skald.schedule.Limits;
import dev.skald.schedule.Policy;
import dev.skald.schedule.StepBudget;
import dev.skald.schedule.StepPlan;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/** An engine on the fake device whose turns the test takes itself, on a clock that each step moves by a millisecond and ten microseconds a token. */
final class TurnedEngine {
    final Limits limits;
    final Engine engine;
    final FakeExecutor device;
    final List<StepPlan> plans = new ArrayList<>();
    long now = 1_000_000_000_000L;

    TurnedEngine(Limits limits, StepBudget budget, int depth) {
        this.limits = limits;
        device = new FakeExecutor(limits, depth, true, plan -> {
            plans.add(plan);
            now += 1_000_000 + 10_000L * plan.tokens();
        });
        Policy policy = new Policy(Duration.ofSeconds(5), Duration.ofSeconds(30));
        engine = new Engine(new EngineConfig(limits, policy, budget, FakeModel.VOCABULARY, Duration.ofSeconds(60)), device, () -> now);
    }

    /** Blocks of 16 tokens; budget and rows as much as fits. */
    static TurnedEngine of(int sequences, int batchedTokens, int maxLength, int kvBlocks) {
        Limits limits = new Limits(100, sequences, batchedTokens, batchedTokens, 2, maxLength, Math.min(4, sequences), 5, kvBlocks, 16);
        return new TurnedEngine(limits, StepBudget.unlimited(batchedTokens), 1);
    }

    Recorder submit(RequestBuilder request) {
        Recorder recorder = new Recorder();
        engine.submit(request.build(), recorder);
        return recorder;
    }

    RequestHandle submit(RequestBuilder request, Recorder recorder) {
        return engine.submit(request.build(), recorder);
    }

    boolean turn() {
        boolean worked = engine.loop().turn();
        engine.loop().scheduler().verify();
        for (int block = 0; block < limits.kvBlocks(); block++) if (engine.loop().scheduler().isFree(block)) device.poison(block);
        return worked;
    }

    void turnUntil(BooleanSupplier done) {
        for (int i = 0; !done.getAsBoolean(); i++) {
            if (i > 100_000) throw new AssertionError("nothing comes of it");
            if (!turn()) now += 1_000_000;
        }
    }

    Recorder run(RequestBuilder request) {
        Recorder recorder = submit(request);
        turnUntil(recorder::over);
        return recorder;
    }

    int used() {
        turn();
        return engine.snapshot().load().kvBlocksUsed();
    }
}
