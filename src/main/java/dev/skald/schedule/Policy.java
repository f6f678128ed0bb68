package dev.skald.schedule;

import java.time.Duration;

/**
 * How long is too long.
 *
 * @param ageing     who has waited for this long goes first in its class, whatever the others' deadlines
 * @param slowReader a request that is paused for this long fails
 */
public record Policy(Duration ageing, Duration slowReader) {
    public static final Policy DEFAULT = new Policy(Duration.ofSeconds(10), Duration.ofSeconds(30));

    public Policy {
        if (ageing.isNegative()) throw new IllegalArgumentException("ageing " + ageing + " is negative");
        if (slowReader.isNegative() || slowReader.isZero()) throw new IllegalArgumentException("slow reader timeout " + slowReader + " is not positive");
    }
}
