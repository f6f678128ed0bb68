package dev.skald.grpc;

import com.google.protobuf.MessageLite;
import dev.skald.service.InferenceEvent.Timings;
import dev.skald.service.InferenceEvent.Usage;
import dev.skald.service.InferenceException;
import io.grpc.Context;
import io.grpc.ForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.Optional;

/**
 * A call of {@code skald.v1} as the door sees it: may be ended from several sides (its handler, a limit, a drain), of which the first wins;
 * sends its headers early; counts what an unread answer holds; knows what its log line needs. Any thread.
 */
final class DoorCall<Q, R> extends ForwardingServerCall.SimpleForwardingServerCall<Q, R> {
    private static final Context.Key<DoorCall<?, ?>> KEY = Context.key("skald-door-call");
    /** A client that read nothing for so long gets this much longer to take its status. */
    private static final Duration SLOW_READER_GRACE = Duration.ofSeconds(1);
    /** The engine has the same patience and better means, so it goes first. */
    private static final Duration AFTER_ENGINE = Duration.ofSeconds(2);

    static final String WORK = "skald.v1.Inference";
    private static final long NEVER = Long.MAX_VALUE;

    private final Calls calls;
    private final Optional<StreamRef> stream;
    private final long startNanos = System.nanoTime();

    private boolean headersSent;
    private boolean closed;
    private boolean gone;
    private long outboundBytes;
    private long resetAtNanos = NEVER;
    private Status status = Status.OK;
    private String reason = "";
    private String requestId = "";
    private Usage usage = Usage.NONE;
    private Optional<Timings> timings = Optional.empty();
    private String prompt = "";
    private Runnable onRefusal = () -> {};

    DoorCall(ServerCall<Q, R> call, Calls calls, Optional<StreamRef> stream) {
        super(call);
        this.calls = calls;
        this.stream = stream;
    }

    /** Of the handler that runs on this thread. */
    static DoorCall<?, ?> current() {
        DoorCall<?, ?> call = KEY.get();
        if (call == null) throw new IllegalStateException("no call of the door on this thread");
        return call;
    }

    /** Whether it asks the model for something. */
    boolean isWork() {
        return WORK.equals(getMethodDescriptor().getServiceName());
    }

    Context inContext(Context context) {
        return context.withValue(KEY, this);
    }

    synchronized void identify(String id) {
        requestId = id;
    }

    synchronized String requestId() {
        return requestId;
    }

    synchronized void account(Usage counted, Optional<Timings> measured) {
        usage = counted;
        timings = measured;
    }

    synchronized void rememberPrompt(String text) {
        prompt = text;
    }

    /** What else has to stop when the call is ended by somebody other than its handler. */
    void onRefusal(Runnable action) {
        boolean late;
        synchronized (this) {
            onRefusal = action;
            late = closed || gone;
        }
        if (late) action.run();
    }

    /** The request has its place in the queue: the client may know. */
    void admitted() {
        sendHeaders(new Metadata());
    }

    @Override
    public synchronized void sendHeaders(Metadata headers) {
        if (headersSent || closed || gone) return;
        headersSent = true;
        if (!requestId.isEmpty()) headers.put(Errors.REQUEST_ID, requestId);
        super.sendHeaders(headers);
    }

    /** The one answer of a call that isn't a stream: counts until the client has taken it. */
    void sendWhole(R message) {
        long bytes = ((MessageLite) message).getSerializedSize();
        if (bytes > calls.limits().maxMessageBytes()) {
            refuse(Errors.exhausted("ANSWER_TOO_LARGE", "the answer has " + bytes + " bytes, more than " + calls.limits().maxMessageBytes()
                    + "; ask for less, or for a stream"));
            return;
        }
        if (!calls.outbound.take(bytes)) {
            refuse(Errors.busy("TOO_MANY_OUTBOUND_BYTES", "the server holds as many bytes of answers that aren't taken as it may"));
            return;
        }
        synchronized (this) {
            if (closed || gone) {
                calls.outbound.give(bytes);
                return;
            }
            outboundBytes = bytes;
            sendHeaders(new Metadata());
            sendMessage(message);
            close(Status.OK, new Metadata());
        }
    }

    @Override
    public synchronized void sendMessage(R message) {
        if (closed || gone) return;
        super.sendMessage(message);
    }

    @Override
    public synchronized void close(Status end, Metadata trailers) {
        if (closed || gone) return;
        closed = true;
        status = end;
        // Trailers wait behind data that the client doesn't take; the timer resets the stream if that lasts.
        Duration patience = reason.equals("SLOW_READER") ? SLOW_READER_GRACE : calls.limits().slowReaderTimeout();
        resetAtNanos = System.nanoTime() + patience.toNanos();
        super.close(end, trailers);
    }

    /** Ends the call with an error; the first end wins. */
    void refuse(InferenceException error) {
        fail(error, Usage.NONE);
        Runnable action;
        synchronized (this) {
            action = onRefusal;
        }
        action.run();
    }

    void fail(InferenceException error, Usage soFar) {
        StatusRuntimeException exception = Errors.status(error, soFar, requestId());
        synchronized (this) {
            if (closed || gone) return;
            reason = error.reason();
            if (!soFar.equals(Usage.NONE)) usage = soFar;
            close(exception.getStatus(), exception.getTrailers());
        }
    }

    /** A fault of ours, told to the client without its trace. */
    void crash(RuntimeException fault) {
        StatusRuntimeException exception = Errors.status(fault, requestId());
        close(exception.getStatus(), exception.getTrailers());
    }

    /** Something waits for the client: it must read within the limit from now on. */
    synchronized void expectReading() {
        if (!closed) resetAtNanos = System.nanoTime() + calls.limits().slowReaderTimeout().plus(AFTER_ENGINE).toNanos();
    }

    synchronized void readingAgain() {
        if (!closed) resetAtNanos = NEVER;
    }

    /** By the door's timer. First an end with a status; if that isn't taken either, the stream is reset. */
    void resetIfLate(long nowNanos) {
        synchronized (this) {
            if (gone || resetAtNanos == NEVER || nowNanos - resetAtNanos < 0) return;
            resetAtNanos = NEVER;
            if (closed) {
                stream.ifPresent(StreamRef::resetAsExhausted);
                return;
            }
        }
        refuse(Errors.slowReader("the client did not read its stream for too long"));
    }

    /** Everything was handed to the client, or it went away. @return false if that was known already */
    synchronized boolean end(Optional<Status> cancelled) {
        if (gone) return false;
        gone = true;
        if (!closed && cancelled.isPresent()) status = cancelled.get();
        calls.outbound.give(outboundBytes);
        return true;
    }

    /** E.g. {@code GenerateStream id=r-5 status=OK prompt=12 cached=0 generated=64 queue_ms=1 prefill_ms=20 decode_ms=300 total_ms=325}. */
    synchronized String logLine() {
        StringBuilder line = new StringBuilder(160);
        line.append(getMethodDescriptor().getBareMethodName());
        if (!requestId.isEmpty()) line.append(" id=").append(requestId);
        line.append(" status=").append(status.getCode());
        if (!reason.isEmpty()) line.append(" reason=").append(reason);
        if (isWork()) line.append(" prompt=").append(usage.promptTokens()).append(" cached=").append(usage.cachedTokens())
                .append(" generated=").append(usage.completionTokens());
        timings.ifPresent(t -> line.append(" queue_ms=").append(t.queue().toMillis()).append(" prefill_ms=").append(t.prefill().toMillis())
                .append(" decode_ms=").append(t.decode().toMillis()).append(" preemptions=").append(t.preemptions()));
        line.append(" total_ms=").append((System.nanoTime() - startNanos) / 1_000_000);
        line.append(" peer=").append(getAttributes().get(io.grpc.Grpc.TRANSPORT_ATTR_REMOTE_ADDR));
        if (!prompt.isEmpty()) line.append(" text=").append(prompt);
        return line.toString();
    }
}
