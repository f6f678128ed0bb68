package dev.skald.schedule;

import java.time.Duration;
import java.util.Optional;

/**
 * Why a request ended without an answer.
 *
 * @param kind       maps to a status in each door
 * @param message    one sentence that says what and where
 * @param retryAfter set when load was the cause and trying again later can help
 */
public record Failure(Kind kind, String message, Optional<Duration> retryAfter) {
    public enum Kind {
        /** The request itself is wrong: parameters, length, ids. */
        INVALID,
        /** The queue is full, or the load makes the deadline impossible. */
        OVERLOADED,
        /** The deadline or the queue timeout passed, or could not be met on an idle engine. */
        DEADLINE_EXCEEDED,
        /** The client went away or cancelled. */
        CANCELLED,
        /** An operator aborted it. */
        ABORTED,
        /** The client did not read its stream for too long. */
        SLOW_READER,
        /** Loading, draining, or the device is lost. */
        UNAVAILABLE,
        /** A fault of the engine or of this sequence's numbers. */
        INTERNAL
    }

    public static Failure of(Kind kind, String message) {
        return new Failure(kind, message, Optional.empty());
    }
}
