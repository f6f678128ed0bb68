package dev.skald.grpc;

import com.google.protobuf.Message;
import dev.skald.service.InferenceException;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Deadline;
import io.grpc.ForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.util.Optional;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Stands before every call of {@code skald.v1}: refuses while the door is closing, counts, checks for unknown fields, writes the log line. */
final class CallGuard implements ServerInterceptor {
    /** One line per request. */
    static final String LOG_NAME = "dev.skald.requests";

    private static final Logger log = LoggerFactory.getLogger(LOG_NAME);
    private static final String OURS = "skald.v1.";

    private final Calls calls;
    private final boolean allowUnknownFields;
    private final Supplier<Optional<InferenceException>> closedBecause;

    /** @param closedBecause why no work is taken at the moment; empty: it is */
    CallGuard(Calls calls, boolean allowUnknownFields, Supplier<Optional<InferenceException>> closedBecause) {
        this.calls = calls;
        this.allowUnknownFields = allowUnknownFields;
        this.closedBecause = closedBecause;
    }

    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(ServerCall<Q, R> raw, Metadata headers, ServerCallHandler<Q, R> next) {
        String service = String.valueOf(raw.getMethodDescriptor().getServiceName());
        if (!service.startsWith(OURS)) return next.startCall(raw, headers);
        Optional<InboundStream> inbound = InboundStream.current();
        DoorCall<Q, R> call = new DoorCall<>(raw, calls, inbound.flatMap(InboundStream::ref));
        // Entered before the question is asked: a drain that begins now either waits for this call or refuses it, and never overlooks it.
        Optional<InferenceException> closed = calls.enter(call)
                ? call.isWork() ? closedBecause.get() : Optional.empty()
                : Optional.of(Errors.busy("TOO_MANY_CALLS", "the server has as many calls open as it may"));
        if (closed.isPresent()) {
            calls.leave(call);
            call.refuse(closed.get());
            return new Ended<>(new ServerCall.Listener<>() {}, call);
        }
        Context context = call.inContext(Context.current());
        ServerCall.Listener<Q> handler = Contexts.interceptCall(context, call, headers, next);
        inbound.ifPresent(stream -> stream.attach(call));
        return new Ended<>(new Checked<>(handler, call), call);
    }

    /** Lets a message through only if all of it is known. */
    private final class Checked<Q> extends ForwardingServerCallListener.SimpleForwardingServerCallListener<Q> {
        private final DoorCall<Q, ?> call;
        private boolean refused;

        Checked(ServerCall.Listener<Q> handler, DoorCall<Q, ?> call) {
            super(handler);
            this.call = call;
        }

        @Override
        public void onMessage(Q message) {
            Optional<String> unknown = allowUnknownFields ? Optional.empty() : UnknownFields.firstIn((Message) message);
            if (unknown.isPresent()) {
                refused = true;
                call.refuse(InferenceException.invalid("UNKNOWN_FIELD", unknown.get(),
                        "this release of the server doesn't know " + unknown.get() + " of " + ((Message) message).getDescriptorForType().getName()));
                return;
            }
            super.onMessage(message);
        }

        @Override
        public void onHalfClose() {
            if (!refused) super.onHalfClose();
        }
    }

    /** Sees the call's end, whichever way it comes. */
    private final class Ended<Q> extends ForwardingServerCallListener.SimpleForwardingServerCallListener<Q> {
        private final DoorCall<Q, ?> call;

        Ended(ServerCall.Listener<Q> listener, DoorCall<Q, ?> call) {
            super(listener);
            this.call = call;
        }

        @Override
        public void onComplete() {
            ended(Optional.empty());
            super.onComplete();
        }

        @Override
        public void onCancel() {
            boolean late = Optional.ofNullable(Context.current().getDeadline()).map(Deadline::isExpired).orElse(false);
            ended(Optional.of(late ? Status.DEADLINE_EXCEEDED : Status.CANCELLED));
            super.onCancel();
        }

        private void ended(Optional<Status> cancelled) {
            if (!call.end(cancelled)) return;
            calls.leave(call);
            if (log.isInfoEnabled()) log.info(call.logLine());
        }
    }
}
