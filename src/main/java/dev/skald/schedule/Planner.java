package dev.skald.schedule;

import java.util.List;
import java.util.Optional;

/**
 * Decides a step: every decoding sequence gets its next token; as many of those who wait are let in as the rest of the budget has tokens for; it
 * is shared out to prompts, the first one first. Who lacks a block takes the place of the worst; who waits takes that of those who are paused
 * or of a lower class.
 */
final class Planner {
    private final Limits limits;
    private final Policy policy;
    private final StepBudget budget;
    private final Rates rates;
    private final Population population;
    private final Room room;
    private final StepBuilder step;
    private long prefilledTokens;

    Planner(Limits limits, Policy policy, StepBudget budget, Rates rates, Population population, Room room) {
        this.limits = limits;
        this.policy = policy;
        this.budget = budget;
        this.rates = rates;
        this.population = population;
        this.room = room;
        step = new StepBuilder(limits.maxLogitRows());
    }

    /** Tokens of prompts that have been planned to be computed, again after preemption too. */
    long prefilledTokens() {
        return prefilledTokens;
    }

    /** @return the step, or empty if nobody can do anything now */
    Optional<StepPlan> plan(long id, long nowNanos) {
        makeWay(nowNanos);
        step.begin(id, budget.tokens(rates.prefillTokensPerSecond(), decoding()));
        boolean everybodyHadRoom = decode();
        if (everybodyHadRoom) admit(nowNanos);
        prefill();
        if (step.isEmpty()) return Optional.empty();
        prefilledTokens += step.prefillTokens;
        room.planned(id);
        return Optional.of(new StepPlan(step));
    }

    private int decoding() {
        int n = 0;
        for (Sequence s : population.running()) if (s.wantsDecode()) n++;
        return n;
    }

    /** The first of those who wait takes the places of paused sequences, and then of lower classes, if that is what keeps it waiting. */
    private void makeWay(long nowNanos) {
        Optional<Sequence> first = next(nowNanos);
        if (first.isEmpty() || prefills(first.get()) >= limits.maxPrefills()) return;
        while (!room.fits(first.get(), someRun(), true)) {
            Optional<Sequence> victim = population.worstPaused().or(() -> lowerClass(first.get()));
            if (victim.isEmpty()) break;
            population.preempt(victim.get());
        }
        population.compact();
    }

    private Optional<Sequence> lowerClass(Sequence than) {
        return population.worst().filter(worst -> worst.request.spec.priority() > than.request.spec.priority());
    }

    /** @return whether nobody had to give way or wait for a block */
    private boolean decode() {
        boolean everybodyHadRoom = true;
        List<Sequence> running = population.running();
        for (int i = 0; i < running.size(); i++) {
            Sequence s = running.get(i);
            if (!s.wantsDecode()) continue;
            if (!room.grow(s, s.scheduled)) {
                everybodyHadRoom = false;
                if (!takeRoom(s)) continue;
            }
            decode(s);
        }
        population.compact();
        return everybodyHadRoom;
    }

    /** @return whether the sequence has its next block now; if not, it waits for steps in flight, or has lost its place itself */
    private boolean takeRoom(Sequence s) {
        while (!room.blocksLeaving()) {
            Sequence victim = population.worstPaused().or(population::worst).orElseThrow();
            population.preempt(victim);
            if (victim == s) return false;
            if (room.grow(s, s.scheduled)) return true;
        }
        return false;
    }

    private void decode(Sequence s) {
        if (s.copySource >= 0) {
            step.copyBlock(s.copySource, s.table.block(s.scheduled / limits.blockTokens()));
            room.copied(s, step.id);
        }
        step.sequence(s, false);
        step.token(s.idAt(s.scheduled), false);
        step.sample(s);
        s.scheduled++;
    }

    /** Lets in who gets some of the step: prompts of its own and of higher classes come before, those of lower classes after it. */
    private void admit(long nowNanos) {
        while (true) {
            Optional<Sequence> first = next(nowNanos);
            if (first.isEmpty() || prefills(first.get()) >= limits.maxPrefills() || tokensBefore(first.get()) >= step.tokensLeft()) return;
            if (!room.fits(first.get(), someRun(), false)) return;
            population.start(first.get(), nowNanos);
        }
    }

    private void prefill() {
        List<Sequence> running = population.running();
        // Forks insert behind the sequence at hand, and run already: the loop passes them over.
        for (int i = 0; i < running.size() && step.tokensLeft() > 0; i++) {
            Sequence s = running.get(i);
            if (s.prefilling() && !s.request.paused) chunk(s);
        }
    }

    /** Who is next to take a place: nobody overtakes it, even if it doesn't fit yet. */
    private Optional<Sequence> next(long nowNanos) {
        Sequence first = null;
        for (Sequence s : population.waiting()) {
            if (!s.eligible()) continue;
            if (first == null || Order.waiting(s, first, nowNanos, policy.ageing().toNanos()) < 0) first = s;
        }
        return Optional.ofNullable(first);
    }

    /** Prompts being computed that are not of a lower class. */
    private int prefills(Sequence than) {
        int n = 0;
        for (Sequence s : population.running()) {
            if (s.prefilling() && !s.request.paused && s.request.spec.priority() <= than.request.spec.priority()) n++;
        }
        return n;
    }

    private int tokensBefore(Sequence than) {
        int n = 0;
        for (Sequence s : population.running()) {
            if (s.prefilling() && !s.request.paused && s.request.spec.priority() <= than.request.spec.priority()) n += s.prefillEnd - s.scheduled;
        }
        return n;
    }

    private boolean someRun() {
        for (Sequence s : population.running()) if (s.state == Sequence.State.RUNNING) return true;
        return false;
    }

    /** As much of the sequence's known tokens as the budgets of tokens and rows allow. */
    private void chunk(Sequence s) {
        int count = chunkLength(s);
        if (count == 0) return;
        step.sequence(s, true);
        for (int end = s.scheduled + count; s.scheduled < end; s.scheduled++) {
            step.token(s.idAt(s.scheduled), true);
            if (s.scoresAfter(s.scheduled)) step.score(s, s.idAt(s.scheduled + 1));
        }
        if (s.prefilling()) return;
        if (s.request.maxNew > 0) draw(s);
        if (!s.request.forked) population.fork(s.request);
    }

    /** The prompt's last logits are sampled for each choice that begins here. */
    private void draw(Sequence s) {
        step.sample(s);
        if (s.request.forked) return;
        for (Sequence choice : s.request.choices) {
            if (choice == s) continue;
            step.introduce(choice);
            step.sample(choice);
        }
    }

    private int chunkLength(Sequence s) {
        int most = Math.min(step.tokensLeft(), s.prefillEnd - s.scheduled);
        int rows = step.rowsLeft();
        for (int n = 0; n < most; n++) {
            int position = s.scheduled + n;
            if (s.scoresAfter(position)) rows--;
            if (position == s.prefillEnd - 1 && s.request.maxNew > 0) rows -= s.slotsNeeded();
            if (rows < 0) return n;
        }
        return most;
    }
}
