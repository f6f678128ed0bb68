package dev.skald.service;

import dev.skald.schedule.Failure;
import dev.skald.service.InferenceException.Kind;
import java.util.Optional;

/** The engine's failures as doors see them. */
final class Failures {
    private Failures() {}

    static InferenceException of(Failure failure) {
        return switch (failure.kind()) {
            case INVALID -> as(failure, Kind.INVALID_ARGUMENT, "INVALID_REQUEST");
            case OVERLOADED -> as(failure, Kind.RESOURCE_EXHAUSTED, "OVERLOADED");
            case DEADLINE_EXCEEDED -> as(failure, Kind.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED");
            case CANCELLED -> as(failure, Kind.CANCELLED, "CANCELLED");
            case ABORTED -> as(failure, Kind.ABORTED, "ABORTED");
            case SLOW_READER -> as(failure, Kind.RESOURCE_EXHAUSTED, "SLOW_READER");
            case UNAVAILABLE -> as(failure, Kind.UNAVAILABLE, "UNAVAILABLE");
            case INTERNAL -> as(failure, Kind.INTERNAL, "ENGINE_FAULT");
        };
    }

    private static InferenceException as(Failure failure, Kind kind, String reason) {
        return new InferenceException(kind, reason, "", failure.message(), failure.retryAfter());
    }

    /** A mistake of ours, found while serving one request. */
    static InferenceException internal(String what) {
        return new InferenceException(Kind.INTERNAL, "INTERNAL", "", what, Optional.empty());
    }
}
