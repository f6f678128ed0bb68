package dev.skald.engine;

import dev.skald.schedule.StepPlan;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What the last steps did. The engine thread writes, any thread reads. */
public final class StepLog {
    /** @param prefill whether the tokens are a chunk of what was known already; else one token, drawn before */
    public record Share(String request, int choice, int tokens, boolean prefill) {}

    /** @param budget the most tokens it might have had, @param nanos how long it took */
    public record Step(long id, int budget, int tokens, int prefillTokens, long nanos, List<Share> shares) {}

    private final Step[] ring;
    private long written;

    /** @param steps how many it remembers */
    StepLog(int steps) {
        ring = new Step[steps];
    }

    /** Keeps words, not the plan: a plan holds on to its sequences and all their tokens. */
    void add(StepPlan plan, long nanos) {
        Share[] shares = new Share[plan.sequences()];
        for (int s = 0; s < shares.length; s++) {
            shares[s] = new Share(plan.sequence(s).request().spec().id(), plan.sequence(s).choice(), plan.count(s), plan.prefill(s));
        }
        Step step = new Step(plan.id(), plan.budget(), plan.tokens(), plan.prefillTokens(), nanos, Arrays.asList(shares));
        synchronized (this) {
            ring[(int) (written++ % ring.length)] = step;
        }
    }

    /** The remembered steps, oldest first. */
    public synchronized List<Step> steps() {
        List<Step> steps = new ArrayList<>();
        for (long i = Math.max(0, written - ring.length); i < written; i++) steps.add(ring[(int) (i % ring.length)]);
        return List.copyOf(steps);
    }
}
