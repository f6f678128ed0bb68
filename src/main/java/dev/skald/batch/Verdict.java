package dev.skald.batch;

import dev.skald.service.InferenceException;
import dev.skald.service.InferenceException.Kind;
import java.time.Duration;
import java.util.Optional;

/** What is to be done about a line that got no answer. Decided by what is said of it alone; pure, but for the counts it keeps on the line. */
sealed interface Verdict {
    /** Other tries, of failures that may mend. */
    int MAX_FAILURES = 4;
    /** So often may a server, or this program, die with a line under way, before it has to run alone. */
    int SUSPECT_DEATHS = 2;
    /** So often may it die with it alone: once may be anybody's doing. */
    int MAX_DEATHS_ALONE = 3;

    /** It goes to the error file. */
    record Hopeless(InferenceException cause) implements Verdict {}

    /** At once, preferably elsewhere; its lane rests. */
    record Elsewhere(Optional<Duration> pushBack) implements Verdict {}

    record Later(long millis) implements Verdict {}

    /** Its server is gone; when one is there, it is tried again. */
    record ServerGone() implements Verdict {}

    /** With nothing else under way. */
    record Alone() implements Verdict {}

    static Verdict of(Outcome.Failed failed) {
        Item item = failed.attempt().item;
        InferenceException cause = failed.cause();
        return switch (cause.kind()) {
            case INVALID_ARGUMENT, NOT_FOUND, UNIMPLEMENTED -> new Hopeless(cause);
            case RESOURCE_EXHAUSTED -> {
                if (cause.retryAfter().isPresent()) yield new Elsewhere(cause.retryAfter());
                // No word of when to come back: it may be too large for that server at any time.
                item.failures++;
                yield item.failures > MAX_FAILURES ? new Hopeless(cause) : new Elsewhere(Optional.empty());
            }
            case UNAVAILABLE -> failed.begun() ? died(failed) : new ServerGone();
            case INTERNAL -> failed.attempt().lane.remote() ? failedInside(failed) : again(item, cause);
            case DEADLINE_EXCEEDED, CANCELLED, ABORTED -> again(item, cause);
        };
    }

    private static Verdict again(Item item, InferenceException cause) {
        item.failures++;
        return item.failures > MAX_FAILURES ? new Hopeless(cause) : new Later(LaneBook.backoffMillis(item.failures));
    }

    private static Verdict died(Outcome.Failed failed) {
        Item item = failed.attempt().item;
        if (failed.attempt().alone) item.deathsAlone++;
        else item.deaths++;
        if (item.deathsAlone >= MAX_DEATHS_ALONE) return new Hopeless(poison(item, "its server went away each time: " + failed.cause().getMessage()));
        return item.deaths >= SUSPECT_DEATHS ? new Alone() : new ServerGone();
    }

    /** An engine that breaks fails all it has; only alone is a line known to be what it failed at. */
    private static Verdict failedInside(Outcome.Failed failed) {
        Item item = failed.attempt().item;
        if (failed.attempt().alone) return new Hopeless(failed.cause());
        item.deaths++;
        return item.deaths >= SUSPECT_DEATHS ? new Alone() : new Later(LaneBook.backoffMillis(item.deaths));
    }

    /** @param what in words */
    static InferenceException poison(Item item, String what) {
        return poison(item.deaths, item.deathsAlone, what);
    }

    static InferenceException poison(int deaths, int deathsAlone, String what) {
        return new InferenceException(Kind.INTERNAL, "POISON_LINE", "", "this line was under way in " + deaths + " crashes, then ran alone and "
                + (deathsAlone == 1 ? "crashed once more" : "crashed " + deathsAlone + " times more") + "; " + what, Optional.empty());
    }
}
