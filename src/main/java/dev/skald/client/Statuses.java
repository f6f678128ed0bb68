package dev.skald.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceException;
import dev.skald.service.InferenceException.Kind;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** From statuses and their details back to the service's exceptions. Pure. */
final class Statuses {
    private Statuses() {}

    static InferenceException exception(Throwable thrown) {
        Status status = Status.fromThrowable(thrown);
        List<Any> details = details(thrown);
        String reason = find(details, ErrorInfo.class).map(ErrorInfo::getReason).orElse(status.getCode().name());
        String field = find(details, BadRequest.class)
                .filter(bad -> bad.getFieldViolationsCount() > 0)
                .map(bad -> bad.getFieldViolations(0).getField())
                .orElse("");
        Optional<Duration> retry = find(details, RetryInfo.class)
                .map(info -> Duration.ofSeconds(info.getRetryDelay().getSeconds(), info.getRetryDelay().getNanos()));
        String message = status.getDescription() == null ? "the daemon answered " + status.getCode() : status.getDescription();
        InferenceException exception = new InferenceException(kind(status.getCode()), reason, field, message, retry);
        exception.initCause(thrown);
        return exception;
    }

    /** What was used before the failure, as far as the daemon says. */
    static InferenceEvent.Usage usage(Throwable thrown) {
        return find(details(thrown), dev.skald.api.v1.Usage.class).map(Replies::usage).orElse(InferenceEvent.Usage.NONE);
    }

    private static Kind kind(Status.Code code) {
        return switch (code) {
            case INVALID_ARGUMENT, OUT_OF_RANGE, FAILED_PRECONDITION, ALREADY_EXISTS -> Kind.INVALID_ARGUMENT;
            case NOT_FOUND -> Kind.NOT_FOUND;
            case RESOURCE_EXHAUSTED -> Kind.RESOURCE_EXHAUSTED;
            case DEADLINE_EXCEEDED -> Kind.DEADLINE_EXCEEDED;
            case CANCELLED -> Kind.CANCELLED;
            case ABORTED -> Kind.ABORTED;
            case UNAVAILABLE -> Kind.UNAVAILABLE;
            case UNIMPLEMENTED -> Kind.UNIMPLEMENTED;
            case OK, UNKNOWN, INTERNAL, DATA_LOSS, PERMISSION_DENIED, UNAUTHENTICATED -> Kind.INTERNAL;
        };
    }

    private static List<Any> details(Throwable thrown) {
        com.google.rpc.Status status = StatusProto.fromThrowable(thrown);
        return status == null ? List.of() : status.getDetailsList();
    }

    private static <M extends com.google.protobuf.Message> Optional<M> find(List<Any> details, Class<M> type) {
        for (Any detail : details) {
            if (!detail.is(type)) continue;
            try {
                return Optional.of(detail.unpack(type));
            } catch (InvalidProtocolBufferException e) {
                return Optional.empty();
            }
        }
        return Optional.empty();
    }
}
