package dev.skald.batch;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/** What the job knows of its lanes, and which one gets the next line. Belongs to the job's thread. */
final class LaneBook {
    private static final long FIRST_BACKOFF_MILLIS = 250;
    private static final long LAST_BACKOFF_MILLIS = 10_000;

    private static final class Page {
        final Lane lane;
        int sequences;
        int refusals;
        long closedUntilNanos;

        Page(Lane lane) {
            this.lane = lane;
        }

        double fullness() {
            return (double) (sequences + lane.others(sequences)) / lane.capacity();
        }
    }

    private final List<Page> pages = new ArrayList<>();

    LaneBook(List<Lane> lanes) {
        long now = System.nanoTime();
        for (Lane lane : lanes) {
            Page page = new Page(lane);
            page.closedUntilNanos = now;
            pages.add(page);
        }
    }

    /** The emptiest lane that has room for so many sequences. A task that is too large for any lane gets one for itself. */
    Optional<Lane> choose(int sequences, long nowNanos) {
        return pages.stream()
                .filter(p -> p.lane.state() instanceof Lane.State.Up)
                .filter(p -> nowNanos - p.closedUntilNanos >= 0)
                .filter(p -> p.sequences == 0 || p.sequences + sequences <= p.lane.capacity())
                .min(Comparator.comparingDouble(Page::fullness))
                .map(p -> p.lane);
    }

    private Page page(Lane lane) {
        for (Page page : pages) if (page.lane == lane) return page;
        throw new IllegalArgumentException(lane.name());
    }

    void begun(Lane lane, int sequences) {
        page(lane).sequences += sequences;
    }

    void ended(Lane lane, int sequences) {
        page(lane).sequences -= sequences;
    }

    void answered(Lane lane) {
        page(lane).refusals = 0;
    }

    /** It has too much to do. @param pushBack what it says itself of when to come again */
    void refused(Lane lane, Optional<Duration> pushBack, long nowNanos) {
        Page page = page(lane);
        long asked = nowNanos + pushBack.map(Duration::toNanos).orElse(0L);
        // What was sent together is refused together: that counts once.
        boolean closed = nowNanos - page.closedUntilNanos < 0;
        long own = closed ? page.closedUntilNanos : nowNanos + backoffMillis(++page.refusals) * 1_000_000;
        page.closedUntilNanos = asked - own > 0 ? asked : own;
    }

    /** Doubles with each try, up to {@value #LAST_BACKOFF_MILLIS} ms, and a random quarter less, so that clients don't come back in step. */
    static long backoffMillis(int tries) {
        long millis = Math.min(LAST_BACKOFF_MILLIS, FIRST_BACKOFF_MILLIS << Math.min(16, tries - 1));
        return millis - ThreadLocalRandom.current().nextLong(millis / 4);
    }

    boolean anyUp() {
        return pages.stream().anyMatch(p -> p.lane.state() instanceof Lane.State.Up);
    }

    boolean allRefused() {
        return pages.stream().allMatch(p -> p.lane.state() instanceof Lane.State.Refused);
    }

    Optional<String> broken() {
        return pages.stream().map(p -> p.lane.broken()).flatMap(Optional::stream).findFirst();
    }
}
