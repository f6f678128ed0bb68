package dev.skald.engine;

import dev.skald.compute.DeviceLostException;
import dev.skald.schedule.EngineRequest;
import dev.skald.schedule.Failure;
import dev.skald.schedule.RequestCheck;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * Runs requests on one thread of its own; {@link EngineLoop} is what that thread does. All public methods may be called from any thread; only
 * {@link #awaitIdle} and {@link #close} wait. The executor is used by the engine thread alone and closed by whoever made it, after this.
 */
public final class Engine implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Engine.class.getName());

    /** Longest sleep while requests wait for time to pass: the clock may not be the system's. */
    private static final long LONGEST_SLEEP_NANOS = 50_000_000;

    /** How long closing waits for the step under way. */
    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(10);

    private static final Failure DRAINING = Failure.of(Failure.Kind.UNAVAILABLE, "the engine takes no new requests: it is about to stop");
    private static final Failure CLOSED = Failure.of(Failure.Kind.UNAVAILABLE, "the engine has stopped");
    private static final Failure ABORTED = Failure.of(Failure.Kind.ABORTED, "an operator aborted the request");
    private static final RequestHandle NOTHING = new EndedRequest();

    private final EngineConfig config;
    private final LongSupplier clock;
    private final RequestCheck check;
    private final EngineLoop loop;
    private final Thread thread;
    private final Mailbox mailbox = new Mailbox();
    private final Home home = new Home();

    private final Map<String, RunningRequest> live = new ConcurrentHashMap<>();
    private final AtomicInteger liveCount = new AtomicInteger();
    private final Object idle = new Object();
    /** What new requests are told; empty: they are welcome. */
    private volatile Optional<Failure> refusal = Optional.empty();
    private volatile boolean closing;
    private volatile EngineHealth end = EngineHealth.WELL;

    /** @param clock nanoseconds, as {@link System#nanoTime}, which requests' deadlines are on; read by any thread */
    public Engine(EngineConfig config, Executor executor, LongSupplier clock) {
        this.config = config;
        this.clock = clock;
        check = new RequestCheck(config.limits(), config.vocabularySize());
        loop = new EngineLoop(config, executor, mailbox, clock);
        thread = Thread.ofPlatform().daemon().name("skald-engine").unstarted(this::run);
        mailbox.onOffer(() -> LockSupport.unpark(thread));
    }

    public Engine(EngineConfig config, Executor executor) {
        this(config, executor, System::nanoTime);
    }

    /** Starts the engine thread. @return this */
    public Engine start() {
        thread.start();
        return this;
    }

    /** What the thread does; for tests, which call it without a thread. */
    EngineLoop loop() {
        return loop;
    }

    /** Commands that the engine thread has not taken yet; for tests. */
    int waitingCommands() {
        return mailbox.size();
    }

    public EngineConfig config() {
        return config;
    }

    /**
     * Takes a request. Never throws for the request's sake: if it is wrong, the queue is full or the engine takes no more, the sink is told
     * {@link TokenEvent.Failed} by this thread before the call returns. Everything else comes from the engine thread.
     */
    public RequestHandle submit(EngineRequest request, TokenSink sink) {
        Optional<Failure> refused = refusal.or(() -> check.refuse(request));
        if (refused.isPresent()) return refuse(request, sink, refused.get());
        RunningRequest running = new RunningRequest(request, config.limits(), sink, home, clock.getAsLong());
        refused = register(running);
        if (refused.isPresent()) return refuse(request, sink, refused.get());
        mailbox.add(running);
        // Between the first question and now the engine may have ended, with nobody left to look into the mailbox.
        if (end != EngineHealth.WELL) running.failNow(CLOSED);
        return running;
    }

    /** Ends the requests with these ids, ABORTED. @return those that were running */
    public List<String> abort(Collection<String> ids) {
        List<String> found = new ArrayList<>();
        for (String id : ids) {
            RunningRequest running = live.get(id);
            if (running == null) continue;
            running.cancel(ABORTED);
            found.add(id);
        }
        return found;
    }

    /** Forgets all cached prefixes, before the next step. */
    public void flushPrefixCache() {
        mailbox.flush();
    }

    public EngineSnapshot snapshot() {
        return loop.snapshot();
    }

    /** Requests that have been accepted and have not had their last event. */
    public int liveRequests() {
        return liveCount.get();
    }

    public StepLog stepLog() {
        return loop.log();
    }

    /** Reads the clock: a stuck engine is seen by who asks, since its own thread can't tell. */
    public EngineHealth health() {
        if (end != EngineHealth.WELL) return end;
        long stalled = loop.stalledNanos();
        return stalled > config.stallTimeout().toNanos() ? new EngineHealth.Stuck(Duration.ofNanos(stalled)) : EngineHealth.WELL;
    }

    /** Refuses new requests from now on, UNAVAILABLE; those that it has go on. */
    public void drain() {
        if (refusal.isEmpty()) refusal = Optional.of(DRAINING);
    }

    /** Waits until no request is left. @return false if that took longer */
    public boolean awaitIdle(Duration longest) throws InterruptedException {
        long deadline = System.nanoTime() + longest.toNanos();
        synchronized (idle) {
            while (liveCount.get() > 0) {
                long left = deadline - System.nanoTime();
                if (left <= 0) return false;
                idle.wait(left / 1_000_000 + 1);
            }
        }
        return true;
    }

    /** Fails what is left, UNAVAILABLE, and ends the thread; waits for the step under way, but not for ever. */
    @Override
    public void close() {
        drain();
        closing = true;
        LockSupport.unpark(thread);
        if (thread.getState() == Thread.State.NEW) {
            terminate(new EngineHealth.Closed(), CLOSED);
            return;
        }
        try {
            if (!thread.join(CLOSE_PATIENCE)) LOG.log(System.Logger.Level.WARNING, "the engine's last step has not ended after " + CLOSE_PATIENCE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        try {
            while (!closing) {
                if (!loop.turn()) sleep();
            }
            loop.abandon();
            terminate(new EngineHealth.Closed(), CLOSED);
        } catch (DeviceLostException lost) {
            LOG.log(System.Logger.Level.ERROR, "all requests fail: " + lost.getMessage());
            terminate(new EngineHealth.Broken(lost), Failure.of(Failure.Kind.UNAVAILABLE, lost.getMessage()));
        } catch (Throwable broken) {
            LOG.log(System.Logger.Level.ERROR, "the engine is broken; all its requests fail", broken);
            terminate(new EngineHealth.Broken(broken), Failure.of(Failure.Kind.INTERNAL, "the engine is broken: " + broken.getMessage()));
        }
    }

    private void sleep() {
        long nanos = loop.sleepNanos();
        if (!mailbox.isEmpty() || closing) return;
        if (nanos == Long.MAX_VALUE) LockSupport.park(this);
        else LockSupport.parkNanos(this, Math.min(nanos, LONGEST_SLEEP_NANOS));
    }

    private void terminate(EngineHealth how, Failure failure) {
        refusal = Optional.of(CLOSED);
        end = how;
        live.values().forEach(running -> running.failNow(failure));
    }

    private Optional<Failure> register(RunningRequest running) {
        int waiting = liveCount.incrementAndGet() - loop.snapshot().load().runningRequests();
        boolean full = waiting > config.limits().maxQueued();
        if (!full && live.putIfAbsent(running.id(), running) == null) return Optional.empty();
        leave();
        return Optional.of(full ? overloaded() : Failure.of(Failure.Kind.INVALID, "a request \"" + running.id() + "\" is running already"));
    }

    private Failure overloaded() {
        var load = loop.snapshot().load();
        double seconds = load.prefillTokensPerSecond().isPresent() ? load.queuedPrefillTokens() / load.prefillTokensPerSecond().getAsDouble() : 1;
        return new Failure(
                Failure.Kind.OVERLOADED,
                "the queue is full: " + config.limits().maxQueued() + " requests wait",
                Optional.of(Duration.ofMillis(Math.max(100, (long) (seconds * 1000)))));
    }

    private static RequestHandle refuse(EngineRequest request, TokenSink sink, Failure failure) {
        sink.accept(new TokenEvent.Failed(failure, new TokenEvent.Usage(request.prompt().length, 0, 0), new TokenEvent.Timings(0, 0, 0, 0)));
        return NOTHING;
    }

    private void leave() {
        if (liveCount.decrementAndGet() > 0) return;
        synchronized (idle) {
            idle.notifyAll();
        }
    }

    /** What running requests see of the engine. */
    private final class Home implements RunningRequest.Home {
        @Override
        public void announce(RunningRequest request) {
            mailbox.apply(request);
        }

        @Override
        public void ending(RunningRequest request) {
            live.remove(request.id(), request);
        }

        @Override
        public void ended(RunningRequest request) {
            leave();
        }
    }
}
