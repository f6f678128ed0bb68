package dev.skald.schedule;

import java.time.Duration;
import java.util.OptionalDouble;

/**
 * How many tokens a step may have. Where a step runs for long (a CPU), time is the limit and the measured rate turns it into tokens: nobody is
 * cancelled, admitted or told of its token while a step runs.
 *
 * @param targetNanos how long a step may take; {@link Long#MAX_VALUE}: as long as it takes
 * @param floor       tokens that a step may have however slow they are
 * @param max         tokens that fit into a step
 */
public record StepBudget(long targetNanos, int floor, int max) {
    public static final int DEFAULT_FLOOR = 32;
    public static final Duration DEFAULT_TARGET = Duration.ofMillis(500);

    public StepBudget {
        if (targetNanos < 1 || floor < 1 || max < 1) throw new IllegalArgumentException("step budget " + targetNanos + ", " + floor + ", " + max);
    }

    /** As many tokens as fit: where steps are short anyway. */
    public static StepBudget unlimited(int max) {
        return new StepBudget(Long.MAX_VALUE, 1, max);
    }

    /** As many tokens as {@link #DEFAULT_TARGET} allows, at least {@value #DEFAULT_FLOOR}. */
    public static StepBudget timed(int max) {
        return new StepBudget(DEFAULT_TARGET.toNanos(), DEFAULT_FLOOR, max);
    }

    /**
     * @param tokensPerSecond the measured rate, if there is one
     * @param decoding        sequences that each get their next token in the step
     * @return the step's budget: beside the decoding ones there is always room for some of a prompt, unless the step is full of them
     */
    public int tokens(OptionalDouble tokensPerSecond, int decoding) {
        if (targetNanos == Long.MAX_VALUE) return max;
        double byTime = tokensPerSecond.isPresent() ? tokensPerSecond.getAsDouble() * targetNanos / 1e9 : 0;
        int wanted = Math.max((int) Math.min(byTime, max), Math.max(floor, decoding + Math.max(1, floor / 2)));
        return Math.min(wanted, max);
    }
}
