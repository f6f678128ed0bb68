package dev.skald.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.schedule.Failure;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Texts are compared with what the model says alone, so they are the same at every depth, under every load. */
class SchedulerSimulationTest {
    @Test
    void everyRequestGetsItsOwnTextAtEveryDepthUnderEveryLoad() {
        Totals totals = new Totals();
        for (long seed = 1; seed <= 8; seed++) totals.runAll(seed, 400);
        totals.assertEverythingHappened();
    }

    @Test
    @Tag("slow")
    void everyRequestGetsItsOwnTextOnManyMoreDays() {
        Totals totals = new Totals();
        for (long seed = 1000; seed < 1200; seed++) totals.runAll(seed, 1000);
        totals.assertEverythingHappened();
    }

    /** A simulation in which nothing happens would prove nothing. */
    private static final class Totals {
        private long preemptions;
        private long cached;
        private long copies;
        private int completed;
        private final int[] failures = new int[Failure.Kind.values().length];

        void runAll(long seed, int arrivals) {
            for (int depth = 1; depth <= 3; depth++) {
                run(seed, depth, true, arrivals);
                if (depth > 1) run(seed, depth, false, arrivals);
            }
        }

        private void run(long seed, int depth, boolean late, int arrivals) {
            try {
                Simulation day = new Simulation(seed, depth, late).run(arrivals);
                preemptions += day.preemptions();
                cached += day.engine.snapshot().load().cachedTokens();
                copies += day.copies();
                for (SimulatedClient client : day.clients) {
                    switch (client.last().orElseThrow()) {
                        case TokenEvent.Failed f -> failures[f.failure().kind().ordinal()]++;
                        default -> completed++;
                    }
                }
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed " + seed + ", depth " + depth + (late ? ", late" : ", early") + ": " + e.getMessage(), e);
            }
        }

        void assertEverythingHappened() {
            String all = completed + " completed, " + preemptions + " preemptions, " + cached + " cached tokens, " + copies + " copies, "
                    + java.util.Arrays.toString(failures);
            System.out.println(all);
            assertTrue(completed > 1000 && preemptions > 500 && cached > 10_000 && copies > 100, all);
            for (Failure.Kind kind : new Failure.Kind[] {
                Failure.Kind.OVERLOADED, Failure.Kind.DEADLINE_EXCEEDED, Failure.Kind.CANCELLED, Failure.Kind.SLOW_READER, Failure.Kind.INTERNAL
            }) {
                assertTrue(failures[kind.ordinal()] > 10, kind + ": " + all);
            }
        }
    }
}
