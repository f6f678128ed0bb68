package dev.skald.engine;

import dev.skald.compute.StepOutput;
import dev.skald.schedule.Scheduler;
import dev.skald.schedule.StepPlan;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * What the engine thread does, turn by turn: takes commands, plans a step and submits it, awaits the oldest results, takes them in, which sends
 * events out. Has no thread of its own; whoever calls {@link #turn} owns it. {@link #snapshot} and {@link #stalledNanos} are for any thread.
 */
final class EngineLoop {
    private static final long IDLE = Long.MIN_VALUE;

    private record InFlight(StepPlan plan, long submittedNanos) {}

    private final Executor executor;
    private final Mailbox mailbox;
    private final LongSupplier clock;
    private final Scheduler scheduler;
    private final StepLog log = new StepLog(EngineConfig.STEP_LOG_STEPS);
    private final ArrayDeque<InFlight> inFlight = new ArrayDeque<>();

    private long lastResultNanos;
    private long steps;
    private long deviceNanos;
    private long hostNanos;

    /** When the last step completed, or since when there has been work; {@link #IDLE}: there is none. */
    private volatile long progressNanos = IDLE;
    private volatile EngineSnapshot snapshot;

    EngineLoop(EngineConfig config, Executor executor, Mailbox mailbox, LongSupplier clock) {
        this.executor = executor;
        this.mailbox = mailbox;
        this.clock = clock;
        scheduler = new Scheduler(config.limits(), config.policy(), config.budget());
        lastResultNanos = clock.getAsLong();
        snapshot = new EngineSnapshot(scheduler.load(), 0, 0, 0);
    }

    /** @return whether there was anything to do; if not, there won't be before a command comes or {@link #sleepNanos} have passed */
    boolean turn() {
        long turnNanos = clock.getAsLong();
        long deviceBefore = deviceNanos;
        boolean commanded = takeCommands(turnNanos);
        Optional<StepPlan> plan = scheduler.plan(turnNanos);
        noteProgress(turnNanos, false);
        publish();
        plan.ifPresent(this::submit);
        boolean full = inFlight.size() == executor.maxInFlight();
        boolean result = !inFlight.isEmpty() && (full || plan.isEmpty());
        if (result) takeResult();
        boolean worked = commanded || plan.isPresent() || result;
        if (worked) hostNanos += clock.getAsLong() - turnNanos - (deviceNanos - deviceBefore);
        return worked;
    }

    /** How long at most to wait for a command before the next turn. */
    long sleepNanos() {
        return scheduler.isEmpty() ? Long.MAX_VALUE : scheduler.nextTimeoutNanos(clock.getAsLong());
    }

    /** Waits for the steps in flight and drops their results. */
    void abandon() {
        while (!inFlight.isEmpty()) executor.await(inFlight.poll().plan.id());
    }

    StepLog log() {
        return log;
    }

    EngineSnapshot snapshot() {
        return snapshot;
    }

    /** How long there has been work and no step has completed; 0 when there is no work. */
    long stalledNanos() {
        long since = progressNanos;
        return since == IDLE ? 0 : Math.max(0, clock.getAsLong() - since);
    }

    Scheduler scheduler() {
        return scheduler;
    }

    private boolean takeCommands(long nowNanos) {
        boolean any = false;
        for (Mailbox.Command command = mailbox.take(); command != null; command = mailbox.take()) {
            any = true;
            switch (command) {
                case Mailbox.Command.Add add -> add.request().add(scheduler, nowNanos);
                case Mailbox.Command.Apply apply -> apply.request().apply(scheduler, nowNanos);
                case Mailbox.Command.Flush flush -> scheduler.flushPrefixCache();
            }
        }
        return any;
    }

    private void submit(StepPlan plan) {
        long before = clock.getAsLong();
        executor.submit(plan);
        inFlight.add(new InFlight(plan, before));
        deviceNanos += clock.getAsLong() - before;
    }

    private void takeResult() {
        InFlight oldest = inFlight.poll();
        long before = clock.getAsLong();
        StepOutput output = executor.await(oldest.plan.id());
        long now = clock.getAsLong();
        long stepNanos = now - Math.max(oldest.submittedNanos, lastResultNanos);
        deviceNanos += now - before;
        lastResultNanos = now;
        steps++;
        log.add(oldest.plan, stepNanos);
        scheduler.commit(oldest.plan.id(), output, now, stepNanos);
        noteProgress(now, true);
    }

    private void noteProgress(long nowNanos, boolean stepCompleted) {
        boolean work = !inFlight.isEmpty() || scheduler.stepsInFlight() > 0 || scheduler.hasWork();
        if (!work) progressNanos = IDLE;
        else if (stepCompleted || progressNanos == IDLE) progressNanos = nowNanos;
    }

    private void publish() {
        snapshot = new EngineSnapshot(scheduler.load(), steps, deviceNanos, hostNanos);
    }
}
