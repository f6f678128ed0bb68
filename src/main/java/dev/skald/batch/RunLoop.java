package dev.skald.batch;

import dev.skald.batch.WindowReader.Numbered;
import dev.skald.batch.WindowReader.Window;
import dev.skald.service.InferenceException;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * Keeps the lanes full until every line is done: takes windows, gives lines away, writes what comes back. Everything here belongs to the
 * thread that calls {@link #run}; from elsewhere only outcomes come, through a queue that holds no more than what is under way.
 */
final class RunLoop {
    private static final long TURN_MILLIS = 50;
    /** The same while only the reader is waited for. */
    private static final long READING_TURN_MILLIS = 2;
    private static final long LAST_WAIT_NANOS = TimeUnit.SECONDS.toNanos(10);
    private static final int WINDOWS_AHEAD = 2;

    private record Due(Item item, long nanos) {}

    private final RunSettings settings;
    private final Fleet fleet;
    private final Ledger ledger;
    private final RunningTable table;
    private final Checkpointer checkpointer;
    private final WindowReader reader;
    private final Progress progress;
    private final Tally tally;
    private final Map<Integer, byte[]> kept;
    private final Stop stop;
    private final String name;

    private final LaneBook lanes;
    private final Shelf shelf;
    private final ExecutorService scoring = Executors.newVirtualThreadPerTaskExecutor();
    private final BlockingQueue<Outcome> outcomes = new LinkedBlockingQueue<>();
    private final Set<Attempt> running = new HashSet<>();
    private final Deque<Item> ready = new ArrayDeque<>();
    private final Deque<Item> alone = new ArrayDeque<>();
    private final PriorityQueue<Due> later = new PriorityQueue<>(Comparator.comparingLong(Due::nanos));
    private boolean inputEnded;
    private long upNanos = System.nanoTime();
    private boolean ending;

    /** @param name of the run, short, unique among all runs: begins the ids of requests */
    RunLoop(RunSettings settings, Fleet fleet, Books job, WindowReader reader, Progress progress, Stop stop, String name) {
        this.settings = settings;
        this.fleet = fleet;
        this.ledger = job.ledger();
        this.table = job.table();
        this.checkpointer = job.checkpointer();
        this.tally = job.tally();
        this.kept = job.kept();
        this.reader = reader;
        this.progress = progress;
        this.stop = stop;
        this.name = name;
        lanes = new LaneBook(fleet.lanes());
        shelf = new Shelf(settings.ordered(), WINDOWS_AHEAD * settings.window(), ledger::answer);
    }

    /** What a run writes to. @param kept answers that wait for their turn already, by line */
    record Books(Ledger ledger, RunningTable table, Checkpointer checkpointer, Tally tally, Map<Integer, byte[]> kept) {}

    /**
     * Runs to an end. Whatever it is, nothing is under way any more when it returns or throws.
     *
     * @throws IOException if the input can't be read, or a file can't be written
     */
    Ending run() throws IOException, InterruptedException {
        try {
            Optional<Ending> end = Optional.empty();
            while (end.isEmpty()) {
                fill();
                end = end();
                if (end.isPresent()) break;
                takeOutcomes();
                checkpointer.tick();
                progress.tick(tally);
            }
            if (!(end.get() instanceof Ending.Complete)) windDown(end.get());
            return end.get();
        } finally {
            abandon();
            scoring.shutdownNow();
        }
    }

    private Optional<Ending> end() {
        if (inputEnded && ready.isEmpty() && later.isEmpty() && alone.isEmpty() && running.isEmpty()) return Optional.of(new Ending.Complete());
        Optional<String> broken = lanes.broken();
        if (broken.isPresent()) {
            return Optional.of(new Ending.Broken(broken.get() + "; the same command goes on, and will find out which line it was, if it was one"));
        }
        if (stop.why().isPresent()) return unfinished("ended by " + stop.why().get());
        long now = System.nanoTime();
        if (lanes.anyUp()) {
            upNanos = now;
        } else if (lanes.allRefused()) {
            return unfinished("no daemon may be used: " + fleet.trouble());
        } else if (now - upNanos >= settings.patience().toNanos()) {
            return unfinished("no daemon has answered for " + settings.patience().toSeconds() + " s: " + fleet.trouble() + "; start one, and");
        }
        return Optional.empty();
    }

    private static Optional<Ending> unfinished(String why) {
        return Optional.of(new Ending.Unfinished(why + (why.endsWith(" and") ? " " : "; ") + "the same command goes on"));
    }

    private void fill() throws IOException {
        if (!ready.isEmpty() || inputEnded) {
            giveAway();
            return;
        }
        Optional<Window> window = reader.poll();
        if (window.isPresent()) take(window.get());
        giveAway();
    }

    private void take(Window window) throws IOException {
        for (Numbered no : window.rejected()) {
            ledger.error(Records.error(no.rejected().line(), no.rejected().customId(), Optional.empty(), no.rejected().cause()));
            tally.failed++;
            shelf.skip(no.place());
        }
        for (Item item : window.accepted()) {
            byte[] early = kept.remove(item.line);
            if (early != null) {
                shelf.put(item.place, early);
            } else if (item.deathsAlone >= Verdict.MAX_DEATHS_ALONE) {
                error(item, Optional.empty(), Verdict.poison(item, "nobody has seen how"));
            } else {
                (item.deaths >= Verdict.SUSPECT_DEATHS ? alone : ready).add(item);
            }
        }
        inputEnded = window.last();
    }

    private void giveAway() throws IOException {
        long now = System.nanoTime();
        while (!later.isEmpty() && now - later.peek().nanos() >= 0) ready.addFirst(later.poll().item());
        if (!alone.isEmpty()) {
            if (running.isEmpty() && canBegin(alone.peek(), now)) begin(alone.poll(), true, now);
            return;
        }
        if (running.stream().anyMatch(attempt -> attempt.alone)) return;
        while (!table.isFull()) {
            Optional<Item> item = nextReady();
            if (item.isEmpty() || !canBegin(item.get(), now)) return;
            ready.removeFirstOccurrence(item.get());
            begin(item.get(), false, now);
        }
    }

    private boolean canBegin(Item item, long now) {
        return lanes.choose(item.weight(), now).isPresent();
    }

    /** The first that may be begun: with a full shelf that is only the one that all others wait for. */
    private Optional<Item> nextReady() {
        Item first = ready.peek();
        if (first == null) return Optional.empty();
        if (shelf.mayBegin(first.place)) return Optional.of(first);
        for (Iterator<Item> i = ready.iterator(); i.hasNext();) {
            Item item = i.next();
            if (item.place == shelf.next()) return Optional.of(item);
        }
        return Optional.empty();
    }

    private void begin(Item item, boolean isAlone, long now) throws IOException {
        Lane lane = lanes.choose(item.weight(), now).orElseThrow();
        int slot = table.set(item.line, isAlone);
        item.attempts++;
        Attempt attempt = new Attempt(item, lane, slot, isAlone, "batch-" + name + "-" + item.line + "-" + item.attempts, outcomes::add);
        running.add(attempt);
        lanes.begun(lane, item.weight());
        attempt.start(scoring);
    }

    private void takeOutcomes() throws IOException, InterruptedException {
        boolean reading = running.isEmpty() && ready.isEmpty() && !inputEnded;
        Outcome first = outcomes.poll(reading ? READING_TURN_MILLIS : TURN_MILLIS, TimeUnit.MILLISECONDS);
        if (first == null) return;
        List<Outcome> all = new ArrayList<>(List.of(first));
        outcomes.drainTo(all);
        for (Outcome outcome : all) take(outcome);
    }

    private void take(Outcome outcome) throws IOException {
        Attempt attempt = outcome.attempt();
        running.remove(attempt);
        lanes.ended(attempt.lane, attempt.item.weight());
        switch (outcome) {
            case Outcome.Answered answered -> answered(answered);
            case Outcome.Failed failed -> {
                // What an engine took with it when it broke stays in the table: whose fault it was is found out by the next run.
                if (attempt.lane.broken().isPresent()) return;
                if (!ending) failed(failed);
            }
        }
        table.clear(attempt.slot);
    }

    private void answered(Outcome.Answered answered) throws IOException {
        Attempt attempt = answered.attempt();
        String expected = fleet.facts().fingerprint();
        if (!expected.equals(Fleet.MIXED) && !answered.fingerprint().equals(expected)) {
            attempt.lane.refuse("it answered with fingerprint " + answered.fingerprint() + " instead of " + expected);
            ready.addFirst(attempt.item);
            return;
        }
        lanes.answered(attempt.lane);
        if (answered.record().length > RecordLog.MAX_RECORD_BYTES) {
            error(attempt.item, Optional.of(attempt.requestId()), InferenceException.invalid(
                    "ANSWER_TOO_LONG", "", "the answer's record has " + answered.record().length + " bytes, more than " + RecordLog.MAX_RECORD_BYTES));
            return;
        }
        shelf.put(attempt.item.place, answered.record());
        tally.add(answered.usage());
    }

    private void failed(Outcome.Failed failed) throws IOException {
        Attempt attempt = failed.attempt();
        Item item = attempt.item;
        InferenceException cause = failed.cause();
        if (cause.kind() == InferenceException.Kind.UNAVAILABLE) attempt.lane.lost(cause.getMessage());
        Verdict verdict = Verdict.of(failed);
        if (!(verdict instanceof Verdict.Hopeless)) tally.retried++;
        switch (verdict) {
            case Verdict.Hopeless(InferenceException why) -> error(item, Optional.of(attempt.requestId()), why);
            case Verdict.Elsewhere elsewhere -> {
                lanes.refused(attempt.lane, elsewhere.pushBack(), System.nanoTime());
                ready.addFirst(item);
            }
            case Verdict.Later(long millis) -> later.add(new Due(item, System.nanoTime() + millis * 1_000_000));
            case Verdict.ServerGone gone -> later.add(new Due(item, System.nanoTime() + LaneBook.backoffMillis(1) * 1_000_000));
            case Verdict.Alone a -> alone.add(item);
        }
    }

    private void error(Item item, Optional<String> requestId, InferenceException cause) throws IOException {
        ledger.error(Records.error(item.line, Optional.of(item.customId), requestId, cause));
        tally.failed++;
        shelf.skip(item.place);
    }

    /** What is under way may finish, for a while; unless the engine is broken. */
    private void windDown(Ending end) throws IOException, InterruptedException {
        if (end instanceof Ending.Broken) return;
        ending = true;
        if (!running.isEmpty() && settings.grace().isPositive()) {
            progress.say("ending: " + running.size() + " lines under way have " + settings.grace().toSeconds() + " s to finish");
        }
        long until = System.nanoTime() + settings.grace().toNanos();
        while (!running.isEmpty() && until - System.nanoTime() > 0 && lanes.broken().isEmpty()) takeOutcomes();
    }

    /** Cancels what is left and waits until it has been told, so that nothing is written behind our back. */
    private void abandon() throws InterruptedException {
        List.copyOf(running).forEach(Attempt::cancel);
        long until = System.nanoTime() + LAST_WAIT_NANOS;
        while (!running.isEmpty() && until - System.nanoTime() > 0) {
            Outcome outcome = outcomes.poll(TURN_MILLIS, TimeUnit.MILLISECONDS);
            if (outcome != null) running.remove(outcome.attempt());
        }
    }
}
