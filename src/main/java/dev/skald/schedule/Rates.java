package dev.skald.schedule;

import java.util.OptionalDouble;

/** How fast steps have been of late, as exponential means. Not thread-safe; belongs to the engine thread. */
public final class Rates {
    /** Steps with fewer prompt tokens say more of memory bandwidth than of prefill. */
    static final int MIN_PREFILL_TOKENS = 16;

    private static final double WEIGHT_OF_LAST = 0.25;

    private double prefillTokensPerSecond = Double.NaN;
    private double decodeStepSeconds = Double.NaN;

    /** @param prefillTokens prompt tokens of a step, @param decodeTokens its other ones, @param nanos how long it took */
    public void observe(int prefillTokens, int decodeTokens, long nanos) {
        double seconds = Math.max(nanos, 1) / 1e9;
        if (prefillTokens >= MIN_PREFILL_TOKENS) {
            prefillTokensPerSecond = mean(prefillTokensPerSecond, (prefillTokens + decodeTokens) / seconds);
        }
        if (decodeTokens > 0) decodeStepSeconds = mean(decodeStepSeconds, seconds);
    }

    /** Tokens per second of steps that compute prompts; empty until there was one. */
    public OptionalDouble prefillTokensPerSecond() {
        return known(prefillTokensPerSecond);
    }

    /** Seconds from one token of a sequence to its next; empty until there was one. */
    public OptionalDouble decodeStepSeconds() {
        return known(decodeStepSeconds);
    }

    private static double mean(double old, double last) {
        return Double.isNaN(old) ? last : old + WEIGHT_OF_LAST * (last - old);
    }

    private static OptionalDouble known(double value) {
        return Double.isNaN(value) ? OptionalDouble.empty() : OptionalDouble.of(value);
    }
}
