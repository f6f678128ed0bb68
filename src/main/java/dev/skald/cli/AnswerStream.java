package dev.skald.cli;

import dev.skald.service.Inference;
import dev.skald.service.InferenceCall;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceRequest;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * Brings a request's events to the thread that prints them. If that thread is held up (a full pipe, a stopped terminal), the request is
 * paused, so that little more than {@value #PAUSE_AT} events ever wait. {@link #cancel} may be called from any thread.
 */
final class AnswerStream {
    private static final int PAUSE_AT = 1024;
    private static final int RESUME_AT = 128;

    private final BlockingQueue<InferenceEvent> events = new LinkedBlockingQueue<>();
    private final InferenceCall call;
    /** Guarded by {@code this}. */
    private boolean paused;

    private AnswerStream(Inference inference, InferenceRequest request) {
        call = inference.start(request, events::add);
    }

    static AnswerStream start(Inference inference, InferenceRequest request) {
        return new AnswerStream(inference, request);
    }

    /** Waits for the next event; after Completed or Failed there is none. */
    InferenceEvent next() throws InterruptedException {
        InferenceEvent event = events.take();
        int left = events.size();
        synchronized (this) {
            if (!paused && left >= PAUSE_AT) {
                paused = true;
                call.pause();
            } else if (paused && left <= RESUME_AT) {
                paused = false;
                call.resume();
            }
        }
        return event;
    }

    void cancel() {
        call.cancel();
    }
}
