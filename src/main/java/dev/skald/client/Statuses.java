package dev.skald.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import dev.skald.service.InferenceEvent.Usage;
import dev.skald.service.InferenceException;
import dev.skald.service.InferenceException.Kind;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.Optional;

/** From statuses back to the service's words; details that are missing or unknown are done without. Pure. */
final class Statuses {
    private Statuses() {}

    static InferenceException exception(StatusRuntimeException e) {
        return exception(e.getStatus(), e.getTrailers());
    }

    static InferenceException exception(Status status, Metadata trailers) {
        String reason = status.getCode().name();
        String field = "";
        Optional<Duration> retryAfter = Optional.empty();
        for (Any detail : details(status, trailers)) {
            reason = unpack(detail, ErrorInfo.class).map(ErrorInfo::getReason).orElse(reason);
            field = unpack(detail, BadRequest.class).filter(bad -> bad.getFieldViolationsCount() > 0)
                    .map(bad -> bad.getFieldViolations(0).getField()).orElse(field);
            retryAfter = unpack(detail, RetryInfo.class)
                    .map(retry -> Duration.ofSeconds(retry.getRetryDelay().getSeconds(), retry.getRetryDelay().getNanos())).or(already(retryAfter));
        }
        return new InferenceException(kind(status.getCode()), reason, field, message(status), retryAfter);
    }

    /** The server's sentence, or {@link Reach}'s. */
    private static String message(Status status) {
        return status.getDescription() == null ? status.getCode().name() : status.getDescription();
    }

    static Usage usage(Status status, Metadata trailers) {
        for (Any detail : details(status, trailers)) {
            Optional<dev.skald.api.v1.Usage> usage = unpack(detail, dev.skald.api.v1.Usage.class);
            if (usage.isPresent()) return Replies.usage(usage.get());
        }
        return Usage.NONE;
    }

    static Kind kind(Status.Code code) {
        return switch (code) {
            case INVALID_ARGUMENT, OUT_OF_RANGE, FAILED_PRECONDITION -> Kind.INVALID_ARGUMENT;
            case NOT_FOUND -> Kind.NOT_FOUND;
            case RESOURCE_EXHAUSTED -> Kind.RESOURCE_EXHAUSTED;
            case DEADLINE_EXCEEDED -> Kind.DEADLINE_EXCEEDED;
            case CANCELLED -> Kind.CANCELLED;
            case ABORTED -> Kind.ABORTED;
            case UNAVAILABLE -> Kind.UNAVAILABLE;
            case UNIMPLEMENTED -> Kind.UNIMPLEMENTED;
            case OK, UNKNOWN, ALREADY_EXISTS, PERMISSION_DENIED, UNAUTHENTICATED, INTERNAL, DATA_LOSS -> Kind.INTERNAL;
        };
    }

    private static Iterable<Any> details(Status status, Metadata trailers) {
        com.google.rpc.Status whole = StatusProto.fromStatusAndTrailers(status, trailers);
        return whole.getDetailsList();
    }

    private static <M extends com.google.protobuf.Message> Optional<M> unpack(Any detail, Class<M> type) {
        try {
            return detail.is(type) ? Optional.of(detail.unpack(type)) : Optional.empty();
        } catch (InvalidProtocolBufferException e) {
            return Optional.empty();
        }
    }

    private static <T> java.util.function.Supplier<Optional<T>> already(Optional<T> value) {
        return () -> value;
    }
}
