package dev.skald.service;

import java.time.Duration;
import java.util.Optional;

/** A request that can't be answered. Each door maps {@link Kind} to its statuses in one file. */
public final class InferenceException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public enum Kind {
        INVALID_ARGUMENT,
        NOT_FOUND,
        RESOURCE_EXHAUSTED,
        DEADLINE_EXCEEDED,
        CANCELLED,
        ABORTED,
        UNAVAILABLE,
        UNIMPLEMENTED,
        INTERNAL
    }

    private final Kind kind;
    private final String reason;
    private final String field;
    private final transient Optional<Duration> retryAfter;

    /**
     * @param reason     stable, upper case, for programs, e.g. "PROMPT_TOO_LONG"
     * @param field      path of the offending field as the API calls it, or ""
     * @param message    one sentence that says what and where
     * @param retryAfter set where trying again later can help
     */
    public InferenceException(Kind kind, String reason, String field, String message, Optional<Duration> retryAfter) {
        super(message);
        this.kind = kind;
        this.reason = reason;
        this.field = field;
        this.retryAfter = retryAfter;
    }

    public static InferenceException invalid(String reason, String field, String message) {
        return new InferenceException(Kind.INVALID_ARGUMENT, reason, field, message, Optional.empty());
    }

    public Kind kind() {
        return kind;
    }

    public String reason() {
        return reason;
    }

    public String field() {
        return field;
    }

    public Optional<Duration> retryAfter() {
        return retryAfter == null ? Optional.empty() : retryAfter;
    }
}
