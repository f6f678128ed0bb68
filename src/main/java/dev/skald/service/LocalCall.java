package dev.skald.service;

import dev.skald.engine.RequestHandle;
import dev.skald.engine.TokenEvent;
import dev.skald.engine.TokenSink;
import dev.skald.schedule.Failure;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * One request on its way: the engine thread puts token events in, its text worker takes them out. The engine never waits. It is paused when
 * {@value #PAUSE_AT} events wait here and resumed at {@value #RESUME_AT}; what it had under way by then, a step's tokens per step in flight,
 * comes on top, and that is all that can ever wait.
 */
final class LocalCall implements InferenceCall, TokenSink, Runnable {
    static final int PAUSE_AT = 256;
    static final int RESUME_AT = 64;
    /** Events that one turn on the worker handles at most, so that other calls get theirs. */
    private static final int TURN = 32;

    private static final Logger LOG = Logger.getLogger(LocalCall.class.getName());

    /** What a call does on its worker. */
    interface Work {
        /** Tokenises and submits. @throws InferenceException for a request that can't be answered */
        RequestHandle submit(TokenSink sink);

        /** @return whether it was the last */
        boolean event(TokenEvent event);

        /** Ends the request without the engine having said so. */
        void fail(InferenceException cause);
    }

    private final TextWorkers.Worker worker;
    private final Queue<TokenEvent> events = new ConcurrentLinkedQueue<>();
    private final AtomicInteger waiting = new AtomicInteger();
    private final AtomicBoolean queued = new AtomicBoolean();

    /** Set before the first turn. */
    private Work work;
    /** Worker only. */
    private boolean submitted;
    /** Worker only: the last event is out, or the observer threw and gets no more. */
    private boolean deaf;

    /** Guards what follows. */
    private final Object lock = new Object();
    private Optional<RequestHandle> handle = Optional.empty();
    private Optional<Failure> cancelled = Optional.empty();
    private boolean consumerFull;
    private boolean backlogged;

    LocalCall(TextWorkers.Worker worker) {
        this.worker = worker;
    }

    /** Puts the call into its worker's queue for the first time. */
    void begin(Work its) {
        work = its;
        wake();
    }

    /** On the engine thread. */
    @Override
    public void accept(TokenEvent event) {
        events.add(event);
        if (waiting.incrementAndGet() >= PAUSE_AT) reconsider();
        wake();
    }

    private void wake() {
        if (queued.compareAndSet(false, true)) worker.enqueue(this);
    }

    /** One turn on the worker. */
    @Override
    public void run() {
        if (!submitted) {
            submitted = true;
            submit();
        }
        for (int i = 0; i < TURN; i++) {
            TokenEvent event = events.poll();
            if (event == null) break;
            if (waiting.decrementAndGet() == RESUME_AT) reconsider();
            if (!deaf) handle(event);
        }
        queued.set(false);
        if (!events.isEmpty()) wake();
    }

    private void submit() {
        try {
            Optional<Failure> early;
            synchronized (lock) {
                early = cancelled;
            }
            if (early.isPresent()) throw Failures.of(early.get());
            RequestHandle started = work.submit(this);
            synchronized (lock) {
                handle = Optional.of(started);
                if (cancelled.isPresent()) started.cancel(cancelled.get());
                else if (consumerFull || backlogged) started.pause();
            }
        } catch (InferenceException e) {
            end(e);
        } catch (RuntimeException e) {
            LOG.log(Level.SEVERE, "a request could not be started", e);
            end(Failures.internal("the request could not be started: a mistake in Skald, see its log"));
        }
    }

    private void handle(TokenEvent event) {
        try {
            deaf = work.event(event);
        } catch (RuntimeException e) {
            LOG.log(Level.SEVERE, "a request's answer could not be put into words", e);
            cancel(Failure.of(Failure.Kind.INTERNAL, "its text could not be made"));
            end(Failures.internal("the answer's text could not be made: a mistake in Skald, see its log"));
        }
    }

    private void end(InferenceException cause) {
        deaf = true;
        try {
            work.fail(cause);
        } catch (RuntimeException e) {
            LOG.log(Level.SEVERE, "nobody could be told that a request failed", e);
        }
    }

    /** Acts once, from any thread: what came first counts. */
    void cancel(Failure failure) {
        synchronized (lock) {
            if (cancelled.isPresent()) return;
            cancelled = Optional.of(failure);
            handle.ifPresent(h -> h.cancel(failure));
        }
    }

    /** On the worker, while handling an event. */
    void finishAt(int choice, int token) {
        synchronized (lock) {
            handle.ifPresent(h -> h.finish(choice, token));
        }
    }

    @Override
    public void cancel() {
        cancel(Failure.of(Failure.Kind.CANCELLED, "the request was cancelled"));
    }

    @Override
    public void pause() {
        synchronized (lock) {
            paused(true, backlogged);
        }
    }

    @Override
    public void resume() {
        synchronized (lock) {
            paused(false, backlogged);
        }
    }

    /** Decides by what waits now, not by what waited when somebody counted: the other thread may have been faster. */
    private void reconsider() {
        synchronized (lock) {
            int now = waiting.get();
            if (now >= PAUSE_AT) paused(consumerFull, true);
            if (now <= RESUME_AT) paused(consumerFull, false);
        }
    }

    private void paused(boolean consumer, boolean backlog) {
        boolean before = consumerFull || backlogged;
        consumerFull = consumer;
        backlogged = backlog;
        boolean after = consumer || backlog;
        if (before == after || handle.isEmpty()) return;
        if (after) handle.get().pause();
        else handle.get().resume();
    }
}
