package dev.skald.grpc;

import com.google.protobuf.Any;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import dev.skald.service.InferenceEvent.Usage;
import dev.skald.service.InferenceException;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Where errors become statuses, and nowhere else. Pure. */
final class Errors {
    static final String DOMAIN = "skald.dev";
    static final Metadata.Key<String> REQUEST_ID = Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);
    /** Stock clients with a retry policy obey it. */
    static final Metadata.Key<String> PUSHBACK_MS = Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER);

    private static final Logger log = LoggerFactory.getLogger(Errors.class);

    private Errors() {}

    /**
     * @param requestId "" where none is known yet
     * @return carries the status, its details, and trailers
     */
    static StatusRuntimeException status(InferenceException error, Usage usage, String requestId) {
        String message = shorten(error.getMessage());
        com.google.rpc.Status.Builder status = com.google.rpc.Status.newBuilder()
                .setCode(code(error.kind()).value())
                .setMessage(message)
                .addDetails(Any.pack(ErrorInfo.newBuilder().setReason(error.reason()).setDomain(DOMAIN).build()));
        if (!error.field().isEmpty()) {
            status.addDetails(Any.pack(BadRequest.newBuilder()
                    .addFieldViolations(BadRequest.FieldViolation.newBuilder().setField(shorten(error.field())).setDescription(message))
                    .build()));
        }
        error.retryAfter().ifPresent(after -> status.addDetails(Any.pack(RetryInfo.newBuilder().setRetryDelay(Answers.duration(after)).build())));
        if (!usage.equals(Usage.NONE)) status.addDetails(Any.pack(Answers.usage(usage)));
        StatusRuntimeException exception = StatusProto.toStatusRuntimeException(status.build());
        Metadata trailers = exception.getTrailers();
        if (!requestId.isEmpty()) trailers.put(REQUEST_ID, requestId);
        error.retryAfter().ifPresent(after -> trailers.put(PUSHBACK_MS, Long.toString(Math.max(1, after.toMillis()))));
        return exception;
    }

    /** What a handler threw: an answer to the client, or a fault of ours, whose trace stays here. */
    static StatusRuntimeException status(Throwable thrown, String requestId) {
        if (thrown instanceof InferenceException error) return status(error, Usage.NONE, requestId);
        log.error("request {} failed", requestId, thrown);
        return status(of(InferenceException.Kind.INTERNAL, "INTERNAL", "the server failed; its log says why"), Usage.NONE, requestId);
    }

    static InferenceException of(InferenceException.Kind kind, String reason, String message) {
        return new InferenceException(kind, reason, "", message, Optional.empty());
    }

    static InferenceException exhausted(String reason, String message) {
        return of(InferenceException.Kind.RESOURCE_EXHAUSTED, reason, message);
    }

    static InferenceException slowReader(String message) {
        return exhausted("SLOW_READER", message);
    }

    /** Load that passes: worth another try after a second. */
    static InferenceException busy(String reason, String message) {
        return new InferenceException(InferenceException.Kind.RESOURCE_EXHAUSTED, reason, "", message, Optional.of(Duration.ofSeconds(1)));
    }

    static Status.Code code(InferenceException.Kind kind) {
        return switch (kind) {
            case INVALID_ARGUMENT -> Status.Code.INVALID_ARGUMENT;
            case NOT_FOUND -> Status.Code.NOT_FOUND;
            case RESOURCE_EXHAUSTED -> Status.Code.RESOURCE_EXHAUSTED;
            case DEADLINE_EXCEEDED -> Status.Code.DEADLINE_EXCEEDED;
            case CANCELLED -> Status.Code.CANCELLED;
            case ABORTED -> Status.Code.ABORTED;
            case UNAVAILABLE -> Status.Code.UNAVAILABLE;
            case UNIMPLEMENTED -> Status.Code.UNIMPLEMENTED;
            case INTERNAL -> Status.Code.INTERNAL;
        };
    }

    private static String shorten(String text) {
        return text.length() <= DoorLimits.MAX_STATUS_CHARS ? text : text.substring(0, DoorLimits.MAX_STATUS_CHARS - 1) + "…";
    }
}
