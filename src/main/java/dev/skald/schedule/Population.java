package dev.skald.schedule;

import dev.skald.kv.PrefixIndex;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Who lives, who runs and who waits. Every change of a sequence's state happens here, with what follows from it for room and listeners. */
final class Population {
    private final Limits limits;
    private final Room room;
    private final List<Request> live = new ArrayList<>();
    /** In the order of {@link Order#running}; may hold some that don't run any more until {@link #compact}. */
    private final List<Sequence> running = new ArrayList<>();
    private final List<Sequence> waiting = new ArrayList<>();
    private boolean untidy;
    private long arrivals;
    private long preemptions;
    private long cachedTokens;

    Population(Limits limits, Room room) {
        this.limits = limits;
        this.room = room;
    }

    List<Request> live() {
        return live;
    }

    List<Sequence> running() {
        return running;
    }

    List<Sequence> waiting() {
        return waiting;
    }

    long preemptions() {
        return preemptions;
    }

    /** Tokens that were found in the prefix cache instead of being computed. */
    long cachedTokens() {
        return cachedTokens;
    }

    /** Holds its salt's root before anything is looked up for it. */
    void prepare(Request r) {
        r.root = room.index().root(r.spec.cacheSalt());
        r.order = arrivals++;
    }

    void admit(Request r) {
        r.liveIndex = live.size();
        live.add(r);
        waiting.add(r.lead());
        r.listener.admitted();
    }

    /** Refuses a prepared request. */
    void refuse(Request r, Failure failure, long nowNanos) {
        room.index().release(r.root);
        for (Sequence s : r.choices) s.state = Sequence.State.ENDED;
        r.end(nowNanos);
        r.listener.failed(failure);
    }

    /** A waiting sequence that fits takes its place. */
    void start(Sequence s, long nowNanos) {
        waiting.remove(s);
        int cached = room.place(s);
        s.state = Sequence.State.RUNNING;
        s.scheduled = cached;
        s.computed = cached;
        s.prefillEnd = s.known();
        cachedTokens += cached;
        insert(s);
        if (!s.request.started) s.request.start(nowNanos, cached);
    }

    /** The prompt's last chunk is planned: the other choices begin where it ends. */
    void fork(Request r) {
        r.forked = true;
        for (Sequence choice : r.choices) {
            if (choice.choice == 0) continue;
            choice.state = Sequence.State.RUNNING;
            choice.scheduled = r.promptLength();
            choice.computed = r.promptLength();
            choice.prefillEnd = r.promptLength();
            room.share(r.lead(), choice);
            insert(choice);
        }
    }

    /** A running sequence gives its place up and waits; what it computed is computed again, or found. */
    void preempt(Sequence s) {
        preemptions++;
        s.request.preemptions++;
        room.release(s);
        if (!s.request.forked) for (Sequence choice : s.request.choices) room.release(choice);
        s.loseProgress();
        s.state = Sequence.State.WAITING;
        waiting.add(s);
        untidy = true;
    }

    /** The worst of those who hold room and produce nothing, as their clients don't read. */
    Optional<Sequence> worstPaused() {
        for (int i = running.size() - 1; i >= 0; i--) {
            Sequence s = running.get(i);
            if (s.state == Sequence.State.RUNNING && s.request.paused) return Optional.of(s);
        }
        return Optional.empty();
    }

    Optional<Sequence> worst() {
        for (int i = running.size() - 1; i >= 0; i--) {
            if (running.get(i).state == Sequence.State.RUNNING) return Optional.of(running.get(i));
        }
        return Optional.empty();
    }

    /** A choice ends by itself. */
    void finish(Sequence s, FinishReason reason, OptionalInt endId, long nowNanos) {
        leave(s);
        Request r = s.request;
        r.listener.finished(s.choice, reason, s.generated(), endId);
        if (--r.unfinished > 0) return;
        depart(r, nowNanos);
        r.listener.completed();
    }

    /** All that is left of the request ends. */
    void fail(Request r, Failure failure, long nowNanos) {
        for (Sequence s : r.choices) leave(s);
        depart(r, nowNanos);
        r.listener.failed(failure);
    }

    /** Drops from the list of running ones those who aren't any more. */
    void compact() {
        if (!untidy) return;
        running.removeIf(s -> s.state != Sequence.State.RUNNING);
        untidy = false;
    }

    /** Sees that nothing is lost or held twice. @throws IllegalStateException if so */
    void verify() {
        for (Sequence s : waiting) {
            if (s.state != Sequence.State.WAITING || s.table.size() > 0 || s.request.liveIndex < 0) throw new IllegalStateException(s + " can't wait");
        }
        for (Sequence s : running) {
            if (s.state != Sequence.State.RUNNING || s.slot < 0 || s.computed > s.scheduled || s.request.liveIndex < 0) {
                throw new IllegalStateException(s + " can't run");
            }
        }
        room.verify(live);
    }

    private void leave(Sequence s) {
        if (s.state == Sequence.State.ENDED) return;
        if (s.state == Sequence.State.WAITING) waiting.remove(s);
        if (s.state == Sequence.State.RUNNING) untidy = true;
        room.release(s);
        s.state = Sequence.State.ENDED;
    }

    private void depart(Request r, long nowNanos) {
        r.end(nowNanos);
        Request last = live.removeLast();
        if (last != r) {
            live.set(r.liveIndex, last);
            last.liveIndex = r.liveIndex;
        }
        r.liveIndex = -1;
        PrefixIndex.Root root = r.root;
        room.index().release(root);
    }

    private void insert(Sequence s) {
        int at = running.size();
        while (at > 0 && Order.running(s, running.get(at - 1)) < 0) at--;
        running.add(at, s);
    }
}
