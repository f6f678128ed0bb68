package dev.skald.schedule;

import java.time.Duration;
import java.util.Optional;

/** Refuses at once what can't be done in time, by the rates that were measured. As long as nothing was measured everything is let in. */
final class DeadlineRule {
    private final Rates rates;

    DeadlineRule(Rates rates) {
        this.rates = rates;
    }

    /**
     * @param ownTokens   prompt tokens that the request has to have computed
     * @param aheadTokens prompt tokens of others that are computed before
     */
    Optional<Failure> refuse(EngineRequest request, long nowNanos, long ownTokens, long aheadTokens) {
        if (request.deadlineNanos().isEmpty()) return Optional.empty();
        double left = (request.deadlineNanos().getAsLong() - nowNanos) / 1e9;
        if (left <= 0) return Optional.of(Failure.of(Failure.Kind.DEADLINE_EXCEEDED, "the deadline had passed when the request came"));
        if (rates.prefillTokensPerSecond().isEmpty()) return Optional.empty();
        double rate = rates.prefillTokensPerSecond().getAsDouble();
        double alone = ownTokens / rate + (request.unary() ? request.minTokens() * rates.decodeStepSeconds().orElse(0) : 0);
        if (alone > left) {
            return Optional.of(Failure.of(
                    Failure.Kind.DEADLINE_EXCEEDED,
                    String.format(java.util.Locale.ROOT, "even an idle engine needs about %.1f s for this; the deadline is in %.1f s", alone, left)));
        }
        double queue = aheadTokens / rate;
        if (alone + queue <= left) return Optional.empty();
        return Optional.of(new Failure(
                Failure.Kind.OVERLOADED,
                String.format(
                        java.util.Locale.ROOT, "%,d prompt tokens are queued before this, about %.1f s; the deadline is in %.1f s", aheadTokens, queue, left),
                Optional.of(Duration.ofMillis((long) Math.ceil(queue * 1000)))));
    }
}
