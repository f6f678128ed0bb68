package dev.skald.engine;

import dev.skald.schedule.Limits;
import dev.skald.schedule.Policy;
import dev.skald.schedule.StepBudget;
import java.time.Duration;

/**
 * What an engine is told when it is made.
 *
 * @param limits         maxima
 * @param policy         how long is too long
 * @param budget         tokens of a step
 * @param vocabularySize token ids are below this
 * @param stallTimeout   with work waiting and no step completed for this long, the engine counts as stuck
 */
public record EngineConfig(Limits limits, Policy policy, StepBudget budget, int vocabularySize, Duration stallTimeout) {
    public static final Duration DEFAULT_STALL_TIMEOUT = Duration.ofSeconds(60);
    /** Steps that the step log remembers. */
    public static final int STEP_LOG_STEPS = 1024;

    public EngineConfig {
        if (vocabularySize < 1) throw new IllegalArgumentException("a vocabulary of " + vocabularySize);
        if (stallTimeout.isNegative() || stallTimeout.isZero()) throw new IllegalArgumentException("stall timeout " + stallTimeout + " is not positive");
        if (budget.max() > limits.maxBatchedTokens()) {
            throw new IllegalArgumentException("a budget of " + budget.max() + " tokens is above the step's maximum of " + limits.maxBatchedTokens());
        }
        if (budget.max() < limits.maxSequences()) {
            throw new IllegalArgumentException("a budget of " + budget.max() + " tokens can't hold one of each of " + limits.maxSequences() + " sequences");
        }
    }
}
