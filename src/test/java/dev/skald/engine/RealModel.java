package dev.skald.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.skald.compute.BatchLimits;
import dev.skald.compute.KvCache;
import dev.skald.compute.StepOutput;
import dev.skald.compute.TestDevice;
import dev.skald.model.Decoder;
import dev.skald.model.DecoderSpec;
import dev.skald.model.LoadOptions;
import dev.skald.model.ModelConfig;
import dev.skald.model.family.Families;
import dev.skald.schedule.Limits;
import dev.skald.schedule.Policy;
import dev.skald.schedule.StepBudget;
import dev.skald.schedule.StepPlan;
import dev.skald.tensor.DType;
import dev.skald.weights.Checkpoint;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Optional;

/**
 * A real model on a real device, which any number of engines use one after the other. Watches one request's first choice: reads back what each step stored for
 * it, and what it found in the prefix cache, and insists that a position's keys and values are the same bits whenever they are computed.
 */
final class RealModel implements AutoCloseable {
    static final String WATCHED = "watched";
    static final int SEQUENCES = 64;

    private final TestDevice test;
    private final Checkpoint checkpoint;
    private final DecoderSpec spec;
    private final Decoder decoder;
    private final KvCache cache;
    private final BatchLimits batch;
    private final int length;
    private final int[] hashes;
    private final boolean[] seen;

    /** @param length tokens of the longest sequence */
    RealModel(TestDevice test, Path folder, int length) {
        this.test = test;
        this.length = length;
        checkpoint = Checkpoint.open(folder);
        spec = Families.spec(ModelConfig.read(folder));
        int maxBlocks = length / Decoder.BLOCK_TOKENS + 1;
        batch = new BatchLimits(SEQUENCES + length, SEQUENCES, SEQUENCES + length, maxBlocks, 2);
        decoder = Decoder.load(spec, checkpoint, test.device(), batch, new LoadOptions(Optional.empty(), length));
        cache = test.device().kvCache(Decoder.kvGroups(spec, DType.F16), SEQUENCES * maxBlocks);
        test.device().start(batch, cache, spec.vocabulary());
        hashes = new int[length];
        seen = new boolean[length];
    }

    /** @param sequences that run at once, @param budget tokens of a step, @param depth steps in flight */
    Engine engine(int sequences, int budget, int depth) {
        Limits limits = new Limits(
                100, sequences, batch.maxTokens(), batch.maxLogitRows(), 4, length, Math.min(3, sequences), 2, cache.blocks(), Decoder.BLOCK_TOKENS);
        EngineConfig config = new EngineConfig(limits, Policy.DEFAULT, StepBudget.unlimited(budget), spec.vocabulary(), Duration.ofSeconds(60));
        return new Engine(config, new Watching(new DeviceExecutor(test.device(), decoder::step, batch, depth)));
    }

    /** Hash of the keys and values at each of the first {@code positions}; all of them must have been seen. */
    int[] kv(int positions) {
        for (int p = 0; p < positions; p++) if (!seen[p]) throw new AssertionError("position " + p + " was never stored");
        return Arrays.copyOf(hashes, positions);
    }

    /** The next run is compared with what was seen before all the same; but what it does not see is missing. */
    void forgetSeen() {
        Arrays.fill(seen, false);
    }

    private final class Watching implements Executor {
        private final Executor inner;
        private final ArrayDeque<StepPlan> plans = new ArrayDeque<>();
        private final int[][] tables = new int[SEQUENCES][batch.maxBlocks()];

        Watching(Executor inner) {
            this.inner = inner;
        }

        @Override
        public void submit(StepPlan plan) {
            plans.add(plan);
            inner.submit(plan);
        }

        @Override
        public StepOutput await(long stepId) {
            StepOutput output = inner.await(stepId);
            StepPlan plan = plans.poll();
            for (int c = 0; c < plan.tableChanges(); c++) tables[plan.changeSlot(c)][plan.changeIndex(c)] = plan.changeBlock(c);
            for (int s = 0; s < plan.sequences(); s++) {
                if (!plan.sequence(s).request().spec().id().equals(WATCHED) || plan.sequence(s).choice() > 0) continue;
                for (int p = 0; p < plan.contextLength(s); p++) {
                    if (p >= plan.firstPosition(s) || !seen[p]) look(tables[plan.slot(s)][p / Decoder.BLOCK_TOKENS], p);
                }
            }
            return output;
        }

        @Override
        public int maxInFlight() {
            return inner.maxInFlight();
        }
    }

    private void look(int block, int position) {
        int hash = 1;
        for (int layer = 0; layer < spec.layers(); layer++) {
            hash = 31 * hash + Arrays.hashCode(test.keys(cache, layer, block, position % Decoder.BLOCK_TOKENS));
            hash = 31 * hash + Arrays.hashCode(test.values(cache, layer, block, position % Decoder.BLOCK_TOKENS));
        }
        if (hashes[position] != 0) assertEquals(hashes[position], hash, "keys and values of position " + position + " have other bits");
        hashes[position] = hash;
        seen[position] = true;
    }

    @Override
    public void close() {
        test.close();
        checkpoint.close();
    }
}
