package dev.skald.client;

import dev.skald.service.InferenceCall;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceException;
import dev.skald.service.InferenceObserver;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/** One request on its way. Asks for one message at a time, so that a paused consumer holds back the daemon. Thread-safe. */
final class RemoteCall<Q, R> extends ClientCall.Listener<R> implements InferenceCall {
    /** Of a request that was never sent. */
    static final InferenceCall NONE = new InferenceCall() {
        @Override
        public void cancel() {}

        @Override
        public void pause() {}

        @Override
        public void resume() {}
    };

    private static final Metadata.Key<String> REQUEST_ID = Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);

    private final ClientCall<Q, R> call;
    private final BiConsumer<R, Consumer<InferenceEvent>> events;
    private final InferenceObserver observer;

    private boolean paused;
    private boolean owing;
    /** Only on the channel's threads, which call one at a time. */
    private boolean ended;

    private RemoteCall(ClientCall<Q, R> call, BiConsumer<R, Consumer<InferenceEvent>> events, InferenceObserver observer) {
        this.call = call;
        this.events = events;
        this.observer = observer;
    }

    /** @param events makes events of a message */
    static <Q, R> InferenceCall start(
            Channel channel, MethodDescriptor<Q, R> method, CallOptions options, Q request, BiConsumer<R, Consumer<InferenceEvent>> events,
            InferenceObserver observer) {
        RemoteCall<Q, R> remote = new RemoteCall<>(channel.newCall(method, options), events, observer);
        remote.call.start(remote, new Metadata());
        // Two, since a call that answers once must see that nothing follows.
        remote.call.request(method.getType().serverSendsOneMessage() ? 2 : 1);
        remote.call.sendMessage(request);
        remote.call.halfClose();
        return remote;
    }

    @Override
    public void onHeaders(Metadata headers) {
        String id = headers.get(REQUEST_ID);
        observer.onEvent(new InferenceEvent.Admitted(id == null ? "" : id));
    }

    @Override
    public void onMessage(R message) {
        if (ended) return;
        try {
            events.accept(message, this::hand);
        } catch (InferenceException e) {
            ended = true;
            observer.onEvent(new InferenceEvent.Failed(e, InferenceEvent.Usage.NONE));
            call.cancel("not understood", null);
            return;
        }
        synchronized (this) {
            if (paused) {
                owing = true;
                return;
            }
        }
        call.request(1);
    }

    private void hand(InferenceEvent event) {
        if (event instanceof InferenceEvent.Completed) ended = true;
        observer.onEvent(event);
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
        if (ended) return;
        ended = true;
        if (status.isOk()) {
            observer.onEvent(new InferenceEvent.Failed(new InferenceException(
                    InferenceException.Kind.INTERNAL, "INCOMPLETE", "", "the server ended the answer before it was complete", Optional.empty()),
                    InferenceEvent.Usage.NONE));
        } else {
            observer.onEvent(new InferenceEvent.Failed(Statuses.exception(status, trailers), Statuses.usage(status, trailers)));
        }
    }

    @Override
    public void cancel() {
        call.cancel("cancelled by the consumer", null);
    }

    @Override
    public synchronized void pause() {
        paused = true;
    }

    @Override
    public void resume() {
        synchronized (this) {
            paused = false;
            if (!owing) return;
            owing = false;
        }
        call.request(1);
    }
}
