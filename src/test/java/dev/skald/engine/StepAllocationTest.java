package dev.skald.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.skald.compute.StepOutput;
import dev.skald.schedule.Limits;
import dev.skald.schedule.Policy;
import dev.skald.schedule.StepBudget;
import dev.skald.schedule.StepPlan;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StepAllocationTest {
    private static final int MAX_BYTES_PER_SLOT = 1024;
    private static final int WARM_UP = 200;
    private static final int STEPS = 2000;

    /** Draws token 5 for every row and allocates nothing. */
    private record Constant(int maxInFlight) implements Executor, StepOutput {
        @Override
        public void submit(StepPlan plan) {}

        @Override
        public StepOutput await(long stepId) {
            return this;
        }

        @Override
        public boolean invalid(int row) {
            return false;
        }

        @Override
        public int token(int row) {
            return 5;
        }

        @Override
        public float logprob(int row) {
            return 0;
        }

        @Override
        public int rank(int row) {
            return 1;
        }

        @Override
        public int topToken(int row, int k) {
            return k;
        }

        @Override
        public float topLogprob(int row, int k) {
            return 0;
        }
    }

    @ParameterizedTest(name = "{0} sequences")
    @ValueSource(ints = {1, 8, 64})
    void aStepOfSteadyDecodeAllocatesAtMostAKilobytePerActiveSlot(int sequences) {
        int length = WARM_UP + STEPS + 100;
        Limits limits = new Limits(100, sequences, 256, 64, 4, length, 1, 0, sequences * (length / 16 + 1), 16);
        EngineConfig config = new EngineConfig(limits, Policy.DEFAULT, StepBudget.unlimited(256), FakeModel.VOCABULARY, Duration.ofSeconds(60));
        Engine engine = new Engine(config, new Constant(1));
        AtomicLong tokens = new AtomicLong();
        for (int i = 0; i < sequences; i++) {
            engine.submit(new RequestBuilder("r" + i, RequestBuilder.ids(10, i)).build(), event -> {
                if (event instanceof TokenEvent.Token) tokens.incrementAndGet();
            });
        }
        for (int i = 0; i < WARM_UP; i++) engine.loop().turn();
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long tokensBefore = tokens.get();
        long before = threads.getCurrentThreadAllocatedBytes();
        long begun = System.nanoTime();
        for (int i = 0; i < STEPS; i++) engine.loop().turn();
        long nanos = System.nanoTime() - begun;
        long bytes = threads.getCurrentThreadAllocatedBytes() - before;
        assertEquals((long) STEPS * sequences, tokens.get() - tokensBefore);
        long perSlot = bytes / STEPS / sequences;
        System.out.println(sequences + " sequences: " + bytes / STEPS + " bytes a step, " + perSlot + " a slot; " + nanos / STEPS + " ns a step");
        // What a step allocates whatever it holds (its plan, its figures) counts for a single sequence too.
        assertTrue(perSlot <= MAX_BYTES_PER_SLOT, perSlot + " bytes per slot and step");
    }
}
