package dev.skald.grpc;

import com.google.protobuf.MessageLite;
import dev.skald.service.InferenceCall;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceEvent.Usage;
import dev.skald.service.InferenceException;
import dev.skald.service.InferenceObserver;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Sends one request's events to its client, as fast as that reads. What it doesn't take waits here, at most
 * {@link DoorLimits#streamBufferBytes}, and the request is paused meanwhile. Events come from a text worker, readiness from the transport's
 * executor; one lock guards both, held only for what doesn't block.
 *
 * @param <R> the response message of the stream
 */
final class EventStream<R extends MessageLite> implements InferenceObserver {
    /** Turns an event into messages. */
    interface Projection<R> {
        void project(InferenceEvent event, Sink<R> out);
    }

    /** Takes messages in order. */
    interface Sink<R> {
        void send(R message);

        /** For a piece of an event that is in memory anyway and may be long: built when the client can take it, not counted until then. */
        void sendLater(Supplier<R> message);
    }

    private record Waiting<R>(Supplier<R> message, int bytes) {}

    private final ServerCallStreamObserver<R> out;
    private final DoorCall<?, ?> call;
    private final Projection<R> projection;
    private final int bufferLimit;

    private final ArrayDeque<Waiting<R>> waiting = new ArrayDeque<>();
    private long waitingBytes;
    private boolean paused;
    /** Set by the last event: how the call ends once nothing waits. */
    private Optional<Runnable> ending = Optional.empty();
    private boolean ended;
    private Optional<InferenceCall> request = Optional.empty();

    private EventStream(ServerCallStreamObserver<R> out, DoorCall<?, ?> call, Projection<R> projection, int bufferLimit) {
        this.out = out;
        this.call = call;
        this.projection = projection;
        this.bufferLimit = bufferLimit;
    }

    /** Must be called by the handler itself, before it returns. {@code start} gets the observer and returns the running request. */
    static <R extends MessageLite> void run(
            ServerCallStreamObserver<R> out, DoorCall<?, ?> call, int bufferLimit, Projection<R> projection,
            Function<InferenceObserver, InferenceCall> start) {
        EventStream<R> stream = new EventStream<>(out, call, projection, bufferLimit);
        out.setOnReadyThreshold(DoorLimits.READY_THRESHOLD_BYTES);
        out.setOnReadyHandler(stream::ready);
        out.setOnCancelHandler(stream::stop);
        call.onRefusal(stream::stop);
        stream.attach(start.apply(stream));
    }

    @Override
    public synchronized void onEvent(InferenceEvent event) {
        if (ended || ending.isPresent()) return;
        switch (event) {
            case InferenceEvent.Admitted a -> call.admitted();
            case InferenceEvent.Failed(InferenceException cause, Usage usage) -> {
                if (cause.reason().equals("SLOW_READER")) waiting.clear();
                endBy(() -> call.fail(cause, usage));
            }
            case InferenceEvent.Completed completed -> {
                projection.project(event, new Sender());
                call.account(completed.usage(), Optional.of(completed.timings()));
                endBy(() -> call.close(Status.OK, new Metadata()));
            }
            default -> projection.project(event, new Sender());
        }
    }

    private void endBy(Runnable close) {
        if (ended) return;
        ending = Optional.of(close);
        drain();
    }

    private final class Sender implements Sink<R> {
        @Override
        public void send(R message) {
            if (ended) return;
            if (waiting.isEmpty() && out.isReady()) out.onNext(message);
            else enqueue(new Waiting<>(() -> message, message.getSerializedSize()));
        }

        @Override
        public void sendLater(Supplier<R> message) {
            if (ended) return;
            if (waiting.isEmpty() && out.isReady()) out.onNext(message.get());
            else enqueue(new Waiting<>(message, 0));
        }
    }

    private void enqueue(Waiting<R> message) {
        waiting.add(message);
        waitingBytes += message.bytes();
        if (waitingBytes > bufferLimit) {
            ended = true;
            waiting.clear();
            request.ifPresent(InferenceCall::cancel);
            call.fail(Errors.slowReader("the client reads too slowly: more than " + bufferLimit + " bytes wait for it"), Usage.NONE);
        } else if (!paused) {
            paused = true;
            call.expectReading();
            request.ifPresent(InferenceCall::pause);
        }
    }

    /** The transport can take more. */
    private synchronized void ready() {
        if (!ended) drain();
    }

    private void drain() {
        while (!waiting.isEmpty() && out.isReady()) {
            Waiting<R> next = waiting.remove();
            waitingBytes -= next.bytes();
            out.onNext(next.message().get());
            call.expectReading();
        }
        if (!waiting.isEmpty()) return;
        if (ending.isPresent()) {
            ended = true;
            ending.get().run();
        } else if (paused) {
            paused = false;
            call.readingAgain();
            request.ifPresent(InferenceCall::resume);
        }
    }

    /** The client is gone, or the door ended the call. */
    private void stop() {
        Optional<InferenceCall> running;
        synchronized (this) {
            ended = true;
            waiting.clear();
            running = request;
        }
        running.ifPresent(InferenceCall::cancel);
    }

    private synchronized void attach(InferenceCall running) {
        request = Optional.of(running);
        if (out.isCancelled()) ended = true;
        if (ended) running.cancel();
        else if (paused) running.pause();
    }
}
