package dev.skald.engine;

import dev.skald.compute.StepOutput;
import dev.skald.schedule.EngineRequest;
import dev.skald.schedule.Failure;
import dev.skald.schedule.FinishReason;
import dev.skald.schedule.Limits;
import dev.skald.schedule.Request;
import dev.skald.schedule.RequestListener;
import dev.skald.schedule.Scheduler;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A request as its owner holds it and as the engine runs it. What the owner wants is left in fields and announced once in the engine's mailbox,
 * so that however often a client cancels or pauses, the mailbox holds one entry for it. What becomes of it goes out as events, in order,
 * the last exactly once.
 */
final class RunningRequest implements RequestHandle, RequestListener {
    /** What a running request needs of its engine. Thread-safe. */
    interface Home {
        /** The owner wants something: see {@link #apply}. */
        void announce(RunningRequest request);

        /** Its last event is about to be told: its id may be used again. */
        void ending(RunningRequest request);

        /** Its last event has been told. */
        void ended(RunningRequest request);
    }

    private static final int NOT_FINISHED = -1;

    private final EngineRequest spec;
    private final Request request;
    private final TokenSink sink;
    private final Home home;

    // What the owner wants; written by any thread.
    private final AtomicReference<Failure> cancelled = new AtomicReference<>();
    private final AtomicIntegerArray finishAt;
    private volatile boolean pauseWanted;
    private final AtomicBoolean announced = new AtomicBoolean();

    /** Whether the scheduler knows it; the engine thread's own. An operator may abort it before. */
    private boolean added;

    private final AtomicBoolean over = new AtomicBoolean();
    private final List<TokenLogprob> promptScores = new ArrayList<>();

    RunningRequest(EngineRequest spec, Limits limits, TokenSink sink, Home home, long nowNanos) {
        this.spec = spec;
        this.sink = sink;
        this.home = home;
        request = new Request(spec, limits, this, nowNanos);
        finishAt = new AtomicIntegerArray(spec.choices());
        for (int i = 0; i < spec.choices(); i++) finishAt.set(i, NOT_FINISHED);
    }

    String id() {
        return spec.id();
    }

    Request request() {
        return request;
    }

    @Override
    public void cancel(Failure failure) {
        cancelled.compareAndSet(null, failure);
        announce();
    }

    @Override
    public void finish(int choice, int atToken) {
        if (atToken < 0) throw new IllegalArgumentException("token " + atToken);
        finishAt.set(choice, atToken);
        announce();
    }

    @Override
    public void pause() {
        pauseWanted = true;
        announce();
    }

    @Override
    public void resume() {
        pauseWanted = false;
        announce();
    }

    private void announce() {
        if (announced.compareAndSet(false, true)) home.announce(this);
    }

    /** Joins the queue, and does what the owner has wanted meanwhile. On the engine thread. */
    void add(Scheduler scheduler, long nowNanos) {
        scheduler.add(request, nowNanos);
        added = true;
        apply(scheduler, nowNanos);
    }

    /** Does what the owner wants. On the engine thread. */
    void apply(Scheduler scheduler, long nowNanos) {
        if (!added) return;
        announced.set(false);
        for (int choice = 0; choice < spec.choices(); choice++) {
            int at = finishAt.getAndSet(choice, NOT_FINISHED);
            if (at != NOT_FINISHED) scheduler.finish(request, choice, at, nowNanos);
        }
        Failure failure = cancelled.get();
        if (failure != null) scheduler.cancel(request, failure, nowNanos);
        else if (pauseWanted) scheduler.pause(request, nowNanos);
        else scheduler.resume(request);
    }

    /** Fails without the scheduler: a refusal, or the engine's end. On any thread; without effect if the last event has been told. */
    void failNow(Failure failure) {
        end(new TokenEvent.Failed(failure, usage(), timings()));
    }

    @Override
    public void admitted() {
        emit(new TokenEvent.Admitted());
    }

    @Override
    public void started(int cachedTokens) {
        emit(new TokenEvent.Started(spec.prompt().length, cachedTokens));
    }

    @Override
    public void promptLogprob(StepOutput output, int row) {
        promptScores.add(logprob(output, row, output.token(row), spec.promptTopLogprobs()));
    }

    @Override
    public void promptScored() {
        List<TokenLogprob> scores = List.copyOf(promptScores);
        promptScores.clear();
        emit(new TokenEvent.PromptScored(scores));
    }

    @Override
    public void token(int choice, int index, int id, StepOutput output, int row) {
        Optional<TokenLogprob> logprob = spec.topLogprobs() < 0 ? Optional.empty() : Optional.of(logprob(output, row, id, spec.topLogprobs()));
        emit(new TokenEvent.Token(choice, index, id, logprob));
    }

    @Override
    public void finished(int choice, FinishReason reason, int tokens, OptionalInt endId) {
        emit(new TokenEvent.Finished(choice, reason, tokens, endId));
    }

    @Override
    public void completed() {
        end(new TokenEvent.Completed(usage(), timings()));
    }

    private void end(TokenEvent last) {
        if (!over.compareAndSet(false, true)) return;
        home.ending(this);
        emit(last);
        home.ended(this);
    }

    @Override
    public void failed(Failure failure) {
        failNow(failure);
    }

    /** A sink that throws has broken its contract: its own request ends, and no other hears of it. */
    private void emit(TokenEvent event) {
        try {
            sink.accept(event);
        } catch (RuntimeException e) {
            System.getLogger(Engine.class.getName()).log(System.Logger.Level.ERROR, "the sink of request " + spec.id() + " failed", e);
            cancel(Failure.of(Failure.Kind.INTERNAL, "the request's sink failed: " + e));
        }
    }

    private TokenEvent.Usage usage() {
        return new TokenEvent.Usage(spec.prompt().length, request.completionTokens(), request.cachedTokens());
    }

    private TokenEvent.Timings timings() {
        return new TokenEvent.Timings(request.queueNanos(), request.prefillNanos(), request.decodeNanos(), request.preemptions());
    }

    private static TokenLogprob logprob(StepOutput output, int row, int id, int top) {
        int[] topIds = new int[top];
        float[] topLogprobs = new float[top];
        for (int k = 0; k < top; k++) {
            topIds[k] = output.topToken(row, k);
            topLogprobs[k] = output.topLogprob(row, k);
        }
        return new TokenLogprob(id, output.logprob(row), output.rank(row), topIds, topLogprobs);
    }
}
