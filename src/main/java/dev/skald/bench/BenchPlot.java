package dev.skald.bench;

import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;

/**
 * Draws measurements as an SVG: two rows of bars, prefill and decode in tokens per second, one bar for each number of streams, with the share of
 * the machine's own limit that it reaches.
 */
public final class BenchPlot {
    private static final int WIDTH = 720;
    private static final int PANEL = 200;
    private static final int TOP = 64;
    private static final int LEFT = 64;
    private static final int RIGHT = 24;
    private static final int BARS = 130;

    private final StringBuilder svg = new StringBuilder();
    private final List<Measurement> measurements;

    private BenchPlot(List<Measurement> measurements) {
        this.measurements = measurements;
    }

    /** @param measurements of one model on one machine, at least one */
    public static String svg(List<Measurement> measurements) {
        BenchPlot plot = new BenchPlot(measurements);
        plot.draw();
        return plot.svg.toString();
    }

    private void draw() {
        Measurement.Subject s = measurements.getFirst().subject();
        Measurement first = measurements.getFirst();
        boolean decodes = measurements.stream().anyMatch(m -> m.decodeRate().isPresent());
        int height = TOP + (decodes ? 2 : 1) * PANEL;
        line("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">",
                WIDTH, height, WIDTH, height);
        line("<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>", WIDTH, height);
        text(LEFT, 24, "start", 16, s.model() + ", " + s.dtype());
        text(LEFT, 42, "start", 12, String.format(Locale.ROOT, "%s, %s, %d threads; prompt %d, generated %d tokens; read bandwidth %.1f GB/s",
                s.device(), s.isa(), s.threads(), first.promptTokens(), first.genTokens(), first.readGigabytes()));
        panel(TOP, "prefill, tokens/s; below: share of the multiply-add peak", "#3b6ea5", Measurement::prefillRate, Measurement::peakShare);
        if (decodes) {
            panel(TOP + PANEL, "decode, tokens/s; below: share of the read bandwidth", "#b5651d", m -> m.decodeRate().orElse(0), Measurement::bandwidthShare);
        }
        line("</svg>");
    }

    private interface Share {
        OptionalDouble of(Measurement m);
    }

    private void panel(int top, String title, String colour, ToDoubleFunction<Measurement> rate, Share share) {
        double most = measurements.stream().mapToDouble(rate).max().orElse(1);
        double scale = most > 0 ? BARS / most : 0;
        int base = top + 36 + BARS;
        text(LEFT, top + 12, "start", 13, title);
        line("<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"#444444\"/>", LEFT, base, WIDTH - RIGHT, base);
        double slot = (double) (WIDTH - LEFT - RIGHT) / measurements.size();
        double bar = Math.min(90, slot * 0.6);
        for (int i = 0; i < measurements.size(); i++) {
            Measurement m = measurements.get(i);
            double middle = LEFT + slot * (i + 0.5);
            double high = rate.applyAsDouble(m) * scale;
            line("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>", middle - bar / 2, base - high, bar, high, colour);
            text(middle, base - high - 5, "middle", 12, String.format(Locale.ROOT, "%.1f", rate.applyAsDouble(m)));
            String reached = share.of(m).isEmpty() ? "" : String.format(Locale.ROOT, ", %.0f %%", 100 * share.of(m).getAsDouble());
            text(middle, base + 18, "middle", 12, m.streams() + (m.streams() == 1 ? " stream" : " streams") + reached);
        }
    }

    private void text(double x, double y, String anchor, int size, String text) {
        line("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"%d\" fill=\"#222222\">%s</text>", x, y, anchor, size, escaped(text));
    }

    private void line(String format, Object... arguments) {
        svg.append(String.format(Locale.ROOT, format, arguments)).append('\n');
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }
}
