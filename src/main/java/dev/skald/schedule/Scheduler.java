package dev.skald.schedule;

import dev.skald.compute.StepOutput;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Decides what runs next. {@link #plan} and {@link #commit} are independent: a step may be planned while results of earlier ones are still
 * out, in their order. Time comes in with each call; listeners hear of everything inside the call that caused it. A plain state object,
 * owned by the engine thread.
 */
public final class Scheduler {
    private final Policy policy;
    private final Room room;
    private final Rates rates = new Rates();
    private final Population population;
    private final Planner planner;
    private final Committer committer;
    private final DeadlineRule deadlines = new DeadlineRule(rates);
    private final ArrayDeque<StepPlan> inFlight = new ArrayDeque<>();
    private long lastStep;

    public Scheduler(Limits limits, Policy policy, StepBudget budget) {
        this.policy = policy;
        room = new Room(limits);
        population = new Population(limits, room);
        planner = new Planner(limits, policy, budget, rates, population, room);
        committer = new Committer(limits, population, room.index());
    }

    /** Lets a request into the queue, or refuses it if its deadline can't be met. */
    public void add(Request r, long nowNanos) {
        population.prepare(r);
        long own = r.promptLength() - room.cachedTokens(r.lead());
        Optional<Failure> refusal = deadlines.refuse(r.spec(), nowNanos, own, queuedTokens(r.spec().priority()));
        if (refusal.isPresent()) population.refuse(r, refusal.get(), nowNanos);
        else population.admit(r);
    }

    /** Ends the request; without effect if it has ended. */
    public void cancel(Request r, Failure failure, long nowNanos) {
        if (r.ended()) return;
        population.fail(r, failure, nowNanos);
        population.compact();
    }

    /**
     * Ends a choice with token {@code atToken}, as if it had never gone further. If it has ended by itself, only the prefix cache forgets what
     * is past that token.
     */
    public void finish(Request r, int choice, int atToken, long nowNanos) {
        Sequence s = r.choices.get(choice);
        int keep = r.promptLength() + atToken + 1;
        if (atToken < 0 || keep > s.known()) {
            cancel(r, Failure.of(Failure.Kind.INTERNAL, "choice " + choice + " can't end at token " + atToken + " of " + s.generated()), nowNanos);
            return;
        }
        if (!r.spec.cacheBypass()) room.index().forget(r.spec.cacheSalt(), s.tokens(), s.known(), keep);
        if (s.state == Sequence.State.ENDED) return;
        s.truncate(atToken + 1);
        population.finish(s, FinishReason.STOP, OptionalInt.empty(), nowNanos);
        population.compact();
    }

    /** Its client does not read: it gets no further step, and it fails if that lasts. */
    public void pause(Request r, long nowNanos) {
        if (r.paused) return;
        r.paused = true;
        r.pausedNanos = nowNanos;
    }

    public void resume(Request r) {
        r.paused = false;
    }

    /** Forgets all cached prefixes; sequences that run keep their blocks. */
    public void flushPrefixCache() {
        room.index().flush();
    }

    /** @return the next step to submit, or empty if there is nothing to do before a result, a command or a timeout comes */
    public Optional<StepPlan> plan(long nowNanos) {
        expire(nowNanos, this::overdue);
        Optional<StepPlan> plan = planner.plan(lastStep + 1, nowNanos);
        // After planning: who wanted not to wait at all may have been let in at once.
        expire(nowNanos, Scheduler::outwaited);
        if (plan.isPresent()) {
            lastStep++;
            inFlight.add(plan.get());
        }
        return plan;
    }

    /**
     * Takes the oldest step's results in.
     *
     * @param output    read now and not kept
     * @param stepNanos how long the step took
     */
    public void commit(long stepId, StepOutput output, long nowNanos, long stepNanos) {
        StepPlan plan = inFlight.peek();
        if (plan == null || plan.id() != stepId) throw new IllegalStateException("step " + stepId + " is not the oldest in flight");
        inFlight.poll();
        rates.observe(plan.prefillTokens(), plan.tokens() - plan.prefillTokens(), stepNanos);
        committer.commit(plan, output, nowNanos);
        room.over(stepId);
    }

    public int stepsInFlight() {
        return inFlight.size();
    }

    /** Whether some request could go on: it is neither ended nor paused. */
    public boolean hasWork() {
        for (Request r : population.live()) if (!r.paused) return true;
        return false;
    }

    public boolean isEmpty() {
        return population.live().isEmpty();
    }

    /** When, at the latest, {@link #plan} should be called again although nothing has happened: nanoseconds from now. */
    public long nextTimeoutNanos(long nowNanos) {
        long next = Long.MAX_VALUE;
        for (Request r : population.live()) {
            if (r.spec().deadlineNanos().isPresent()) next = Math.min(next, r.spec().deadlineNanos().getAsLong() - nowNanos);
            if (!r.started && r.spec().queueTimeoutNanos().isPresent()) {
                next = Math.min(next, r.spec().queueTimeoutNanos().getAsLong() - (nowNanos - r.arrivalNanos));
            }
            if (r.paused) next = Math.min(next, policy.slowReader().toNanos() - (nowNanos - r.pausedNanos));
        }
        return Math.max(next, 0);
    }

    public Load load() {
        int running = 0;
        int runningRequests = 0;
        int paused = 0;
        for (Request r : population.live()) {
            if (r.paused) paused++;
            boolean runs = false;
            for (Sequence s : r.choices) {
                if (s.state != Sequence.State.RUNNING) continue;
                running++;
                runs = true;
            }
            if (runs) runningRequests++;
        }
        return new Load(
                runningRequests,
                running,
                population.waiting().size(),
                paused,
                queuedTokens(Integer.MAX_VALUE),
                room.pool().used(),
                room.pool().idle(),
                room.pool().total(),
                rates.prefillTokensPerSecond(),
                rates.decodeStepSeconds(),
                planner.prefilledTokens(),
                population.cachedTokens(),
                committer.generatedTokens(),
                population.preemptions());
    }

    /** Counts everything again. @throws IllegalStateException if a block or a slot is lost or held twice */
    public void verify() {
        population.verify();
    }

    /** Whether the block holds nothing that anybody may still read; for tests, which spoil such blocks. */
    public boolean isFree(int block) {
        return room.pool().references(block) == 0 && !room.pool().isIdle(block);
    }

    /** Known tokens that are still to be computed for requests that are not of a lower class. */
    private long queuedTokens(int priority) {
        long tokens = 0;
        for (Sequence s : population.running()) {
            if (s.prefilling() && !s.request.paused && s.request.spec.priority() <= priority) tokens += s.prefillEnd - s.scheduled;
        }
        for (Sequence s : population.waiting()) {
            if (!s.request.paused && s.request.spec.priority() <= priority) tokens += s.known();
        }
        return tokens;
    }

    /** What time has done to a request, if anything. */
    private interface Expiry {
        Optional<Failure> of(Request r, long nowNanos);
    }

    private void expire(long nowNanos, Expiry expiry) {
        List<Request> live = population.live();
        for (int i = live.size() - 1; i >= 0; i--) {
            // Failing one moves the last, which has been looked at, into its place.
            Request r = live.get(i);
            Optional<Failure> failure = expiry.of(r, nowNanos);
            if (failure.isPresent()) population.fail(r, failure.get(), nowNanos);
        }
        population.compact();
    }

    private Optional<Failure> overdue(Request r, long nowNanos) {
        EngineRequest spec = r.spec();
        if (spec.deadlineNanos().isPresent() && spec.deadlineNanos().getAsLong() - nowNanos <= 0) {
            return Optional.of(Failure.of(Failure.Kind.DEADLINE_EXCEEDED, "the deadline passed after " + r.completionTokens() + " tokens"));
        }
        if (r.paused && nowNanos - r.pausedNanos >= policy.slowReader().toNanos()) {
            return Optional.of(Failure.of(Failure.Kind.SLOW_READER, "the client has not read its stream for " + policy.slowReader()));
        }
        return Optional.empty();
    }

    private static Optional<Failure> outwaited(Request r, long nowNanos) {
        if (r.started || r.spec().queueTimeoutNanos().isEmpty()) return Optional.empty();
        long longest = r.spec().queueTimeoutNanos().getAsLong();
        if (nowNanos - r.arrivalNanos < longest) return Optional.empty();
        return Optional.of(Failure.of(Failure.Kind.DEADLINE_EXCEEDED, "waited in the queue for longer than " + Duration.ofNanos(longest)));
    }
}
