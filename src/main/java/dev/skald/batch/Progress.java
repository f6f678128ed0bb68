package dev.skald.batch;

import java.io.PrintStream;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * Says how far a job is: one line that is written over and over on a terminal, else a line every few seconds. Belongs to the job's thread.
 */
public final class Progress {
    private static final long TERMINAL_NANOS = TimeUnit.MILLISECONDS.toNanos(250);
    private static final long PLAIN_NANOS = TimeUnit.SECONDS.toNanos(10);
    /** How much of the past a rate is made of. */
    private static final double MEMORY_SECONDS = 20;

    private final PrintStream err;
    private final boolean terminal;
    private int total;
    private int doneBefore;
    private long begunNanos;
    private long lastNanos;
    private long rateNanos;
    private int rateDone;
    private long rateTokens;
    private double linesPerSecond;
    private double tokensPerSecond;
    private int shownChars;

    /** @param terminal whether {@code err} is one */
    public Progress(PrintStream err, boolean terminal) {
        this.err = err;
        this.terminal = terminal;
    }

    /** A sentence of its own. */
    void say(String sentence) {
        clear();
        err.println(sentence);
    }

    /** @param lines in all, @param before of these done by earlier runs */
    void begin(int lines, int before) {
        total = lines;
        doneBefore = before;
        begunNanos = System.nanoTime();
        lastNanos = begunNanos;
        rateNanos = begunNanos;
    }

    void tick(Tally tally) {
        long now = System.nanoTime();
        if (now - lastNanos < (terminal ? TERMINAL_NANOS : PLAIN_NANOS)) return;
        lastNanos = now;
        rate(now, tally);
        show(tally);
    }

    private void rate(long now, Tally tally) {
        double seconds = (now - rateNanos) * 1e-9;
        if (seconds <= 0) return;
        // Grows to MEMORY_SECONDS: at first the mean of all so far.
        double age = Math.min(MEMORY_SECONDS, (now - begunNanos) * 1e-9);
        double share = Math.min(1, seconds / age);
        long tokens = tally.completionTokens;
        linesPerSecond += share * ((tally.done() - rateDone) / seconds - linesPerSecond);
        tokensPerSecond += share * ((tokens - rateTokens) / seconds - tokensPerSecond);
        rateNanos = now;
        rateDone = tally.done();
        rateTokens = tokens;
    }

    private void show(Tally tally) {
        String line = line(tally);
        if (terminal) {
            err.print("\r" + line + " ".repeat(Math.max(0, shownChars - line.length())));
            err.flush();
            shownChars = line.length();
        } else {
            err.println(line);
        }
    }

    String line(Tally tally) {
        int done = doneBefore + tally.done();
        String eta = linesPerSecond > 0 ? time((long) Math.ceil((total - done) / linesPerSecond)) : "?";
        String failed = tally.failed == 0 ? "" : String.format(Locale.ROOT, "  %,d failed", tally.failed);
        return String.format(
                Locale.ROOT, "%,d/%,d  %.1f %%  %,.0f tokens/s  %,.1f lines/s  ETA %s%s",
                done, total, total == 0 ? 100 : 100.0 * done / total, tokensPerSecond, linesPerSecond, eta, failed);
    }

    static String time(long seconds) {
        if (seconds >= 24 * 3600) return String.format(Locale.ROOT, "%d d %02d:%02d", seconds / 86_400, seconds % 86_400 / 3600, seconds % 3600 / 60);
        return String.format(Locale.ROOT, "%d:%02d:%02d", seconds / 3600, seconds % 3600 / 60, seconds % 60);
    }

    /** Leaves a clean line behind. */
    void clear() {
        if (terminal && shownChars > 0) err.print("\r" + " ".repeat(shownChars) + "\r");
        shownChars = 0;
    }
}
