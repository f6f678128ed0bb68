package dev.skald.client;

import dev.skald.service.InferenceCall;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceException;
import dev.skald.service.InferenceObserver;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.Optional;
import java.util.function.Function;

/**
 * One streaming call. Asks for one message at a time, so that a paused consumer leaves the rest with the daemon, which pauses the request in
 * its turn.
 *
 * @param <Q> request message
 * @param <R> event message
 */
final class RemoteCall<Q, R> implements InferenceCall, ClientResponseObserver<Q, R> {
    private final String id;
    private final InferenceObserver observer;
    private final Function<R, Optional<InferenceEvent>> translate;

    private volatile ClientCallStreamObserver<Q> stream;
    private boolean admitted;
    private boolean completed;

    /** Guarded by {@code this}. */
    private boolean paused;
    /** A message was taken and none asked for since; guarded by {@code this}. */
    private boolean owed;

    /** @param translate empty for an event that this release doesn't know: it is passed over */
    RemoteCall(String id, InferenceObserver observer, Function<R, Optional<InferenceEvent>> translate) {
        this.id = id;
        this.observer = observer;
        this.translate = translate;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<Q> requestStream) {
        stream = requestStream;
        requestStream.disableAutoRequestWithInitial(1);
    }

    @Override
    public void onNext(R message) {
        if (!admitted) {
            admitted = true;
            observer.onEvent(new InferenceEvent.Admitted(id));
        }
        Optional<InferenceEvent> event = translate.apply(message);
        event.ifPresent(e -> {
            if (e instanceof InferenceEvent.Completed) completed = true;
            observer.onEvent(e);
        });
        synchronized (this) {
            owed = paused;
            if (!paused) stream.request(1);
        }
    }

    @Override
    public void onError(Throwable thrown) {
        if (completed) return;
        completed = true;
        observer.onEvent(new InferenceEvent.Failed(Statuses.exception(thrown), Statuses.usage(thrown)));
    }

    @Override
    public void onCompleted() {
        if (completed) return;
        InferenceException cause = RemoteInference.unexpected("the daemon ended the stream without its last event");
        observer.onEvent(new InferenceEvent.Failed(cause, InferenceEvent.Usage.NONE));
    }

    @Override
    public void cancel() {
        stream.cancel("cancelled by the caller", Status.CANCELLED.asRuntimeException());
    }

    @Override
    public synchronized void pause() {
        paused = true;
    }

    @Override
    public synchronized void resume() {
        paused = false;
        if (!owed) return;
        owed = false;
        stream.request(1);
    }
}
