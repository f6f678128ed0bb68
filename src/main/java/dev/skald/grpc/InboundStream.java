package dev.skald.grpc;

import dev.skald.service.InferenceException;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One stream's request while it arrives. Event loops call it before any handler knows of the call, so it counts the bytes that a client
 * makes us keep by never finishing a message, and the time it takes. Streams of other services (health, reflection) count too.
 */
final class InboundStream extends ServerStreamTracer {
    private static final Context.Key<InboundStream> KEY = Context.key("skald-inbound-stream");

    private final Calls calls;
    private final Optional<StreamRef> ref;
    private final long openedNanos = System.nanoTime();
    private final AtomicLong held = new AtomicLong();
    private Optional<DoorCall<?, ?>> call = Optional.empty();
    private Optional<InferenceException> refusal = Optional.empty();
    private boolean done;

    private InboundStream(Calls calls, Optional<StreamRef> ref) {
        this.calls = calls;
        this.ref = ref;
    }

    static ServerStreamTracer.Factory factory(Calls calls) {
        return new ServerStreamTracer.Factory() {
            @Override
            public ServerStreamTracer newServerStreamTracer(String method, Metadata headers) {
                InboundStream stream = new InboundStream(calls, ConnectionGate.streamBeingOpened());
                calls.arriving(stream);
                return stream;
            }
        };
    }

    /** Of the call whose handler runs on this thread. */
    static Optional<InboundStream> current() {
        return Optional.ofNullable(KEY.get());
    }

    Optional<StreamRef> ref() {
        return ref;
    }

    /** From now on, a refusal reaches the client through {@code owner}. */
    void attach(DoorCall<?, ?> owner) {
        Optional<InferenceException> pending;
        synchronized (this) {
            call = Optional.of(owner);
            pending = refusal;
        }
        pending.ifPresent(owner::refuse);
    }

    @Override
    public Context filterContext(Context context) {
        return context.withValue(KEY, this);
    }

    @Override
    public void inboundWireSize(long bytes) {
        synchronized (this) {
            if (done) return;
            if (calls.inbound.take(bytes)) {
                held.addAndGet(bytes);
                return;
            }
        }
        refuse(Errors.busy("TOO_MANY_INBOUND_BYTES", "the server holds as many bytes of arriving requests as it may"));
    }

    @Override
    public void inboundMessageRead(int sequence, long wireBytes, long bytes) {
        release();
    }

    @Override
    public void streamClosed(Status status) {
        release();
    }

    void refuseIfLate(long nowNanos, Duration timeout) {
        if (nowNanos - openedNanos < timeout.toNanos()) return;
        refuse(Errors.of(InferenceException.Kind.DEADLINE_EXCEEDED, "REQUEST_INCOMPLETE", "the request did not arrive whole within " + timeout));
    }

    private void refuse(InferenceException why) {
        Optional<DoorCall<?, ?>> owner;
        synchronized (this) {
            if (refusal.isPresent()) return;
            refusal = Optional.of(why);
            owner = call;
        }
        owner.ifPresent(c -> c.refuse(why));
    }

    private void release() {
        calls.arrived(this);
        synchronized (this) {
            done = true;
            calls.inbound.give(held.getAndSet(0));
        }
    }
}
