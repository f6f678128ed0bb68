package dev.skald.batch;

import java.time.Duration;
import java.util.Optional;

/**
 * How a run goes about it; nothing here changes an answer.
 *
 * @param ordered    answers in the order of the input
 * @param window     lines that are read, and sorted, together
 * @param timeLimit  no line is begun after so long
 * @param grace      for what is under way when the run is to end
 * @param patience   without any daemon
 */
public record RunSettings(boolean ordered, int window, Optional<Duration> timeLimit, Duration grace, Duration patience) {
    public static final int MAX_WINDOW = 1 << 20;

    /** @throws IllegalArgumentException naming the flag */
    public RunSettings {
        if (window < 1 || window > MAX_WINDOW) throw new IllegalArgumentException("--window " + window + " is outside [1, " + MAX_WINDOW + "]");
        timeLimit.ifPresent(limit -> {
            if (!limit.isPositive()) throw new IllegalArgumentException("--time-limit must be more than 0 seconds");
        });
    }
}
