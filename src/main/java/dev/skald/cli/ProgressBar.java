package dev.skald.cli;

import dev.skald.quantize.Progress;
import java.io.PrintStream;
import java.util.Locale;

/**
 * Shows on stderr how far something is: on a terminal in one line that is rewritten, else a line for every tenth. Says nothing of what is
 * over within a second. One thread.
 */
final class ProgressBar implements Progress {
    private static final int WIDTH = 30;
    private static final long QUIET_NANOS = 1_000_000_000;
    private static final long REDRAW_NANOS = 100_000_000;

    private final PrintStream out;
    private final boolean terminal;
    private final String what;
    private final long begun = System.nanoTime();
    private long drawn = begun + QUIET_NANOS - REDRAW_NANOS;
    private int tenths;
    private boolean shown;

    /** On stderr. */
    static ProgressBar of(Stdio stdio, String what) {
        return new ProgressBar(stdio.err(), stdio.isTerminal(), what);
    }

    /** @param what is being done, e.g. "quantising" */
    ProgressBar(PrintStream out, boolean terminal, String what) {
        this.out = out;
        this.terminal = terminal;
        this.what = what;
    }

    @Override
    public void at(long done, long total) {
        long now = System.nanoTime();
        if (now - begun < QUIET_NANOS) return;
        double share = total == 0 ? 1 : (double) done / total;
        if (terminal) {
            if (now - drawn < REDRAW_NANOS && done < total) return;
            drawn = now;
            int filled = (int) (share * WIDTH);
            out.printf(Locale.ROOT, "\r%s [%s%s] %3.0f %% of %,d MB, %.0f s", what, "#".repeat(filled), " ".repeat(WIDTH - filled), 100 * share,
                    total / 1_000_000, (now - begun) * 1e-9);
            if (done >= total) out.println();
            shown = true;
        } else if ((int) (share * 10) > tenths) {
            tenths = (int) (share * 10);
            out.printf(Locale.ROOT, "%s %d %% of %,d MB, %.0f s%n", what, 10 * tenths, total / 1_000_000, (now - begun) * 1e-9);
        }
        out.flush();
    }

    /** Ends the line, if one is begun. */
    void interrupted() {
        if (shown && terminal) out.println();
    }
}
