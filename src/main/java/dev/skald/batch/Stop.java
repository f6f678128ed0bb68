package dev.skald.batch;

import java.util.Optional;

/** Asks a job to end in order. Thread-safe: signal handlers call it. */
public final class Stop {
    private volatile Optional<String> why = Optional.empty();

    /** @param reason in words, e.g. "SIGTERM"; the first counts */
    public synchronized void request(String reason) {
        if (why.isEmpty()) why = Optional.of(reason);
    }

    Optional<String> why() {
        return why;
    }
}
