package dev.skald.batch;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;

/** Asks a job to end in order. Thread-safe: signal handlers call it. */
public final class Stop {
    private volatile Optional<String> why = Optional.empty();
    private volatile OptionalLong deadlineNanos = OptionalLong.empty();

    /** @param reason in words that follow "ended by"; the first counts */
    public synchronized void request(String reason) {
        if (why.isEmpty()) why = Optional.of(reason);
    }

    /** Asks by itself when {@code limit} from now is over. */
    void after(Duration limit) {
        deadlineNanos = OptionalLong.of(System.nanoTime() + limit.toNanos());
    }

    /** Empty: go on. */
    Optional<String> why() {
        if (why.isEmpty() && deadlineNanos.isPresent() && System.nanoTime() - deadlineNanos.getAsLong() >= 0) request("its time limit");
        return why;
    }
}
