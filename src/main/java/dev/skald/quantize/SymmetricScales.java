package dev.skald.quantize;

import java.util.Arrays;

/**
 * Finds for every lane the d that makes Σ (x − d q)² small, q whole numbers in [low, high] with |low| ≥ high. The element of the greatest
 * magnitude is laid at (about) low, whatever its sign: that side has one number more. For each trial the quants are rounded, and the best d
 * for those quants is Σ x q / Σ q², which takes (Σ x q)² / Σ q² off the error; the trial that takes the most wins. Last, the quants are
 * rounded once more for the best d (Lloyd's step), which can only take more.
 */
final class SymmetricScales {
    /** Sums of squares start with it, so that they can be divided by: where all quants are zero, 0 / this is 0. */
    private static final float NEVER_ZERO = 1e-30f;

    private final float low;
    private final float high;
    private final float[] trials;
    /** [LANES]: the best scale of each lane. */
    final float[] d = new float[Tile.LANES];
    private final float[] best = new float[Tile.LANES];
    private final float[] extreme = new float[Tile.LANES];
    private final float[] reciprocal = new float[Tile.LANES];
    private final float[] inverse = new float[Tile.LANES];
    private final float[] scale = new float[Tile.LANES];
    private final float[] gain = new float[Tile.LANES];
    final float[] xq = new float[Tile.LANES];
    final float[] qq = new float[Tile.LANES];

    /**
     * @param from  the least trial, as a share of |low|
     * @param to    the greatest
     * @param steps trials
     */
    SymmetricScales(int low, int high, double from, double to, int steps) {
        this.low = low;
        this.high = high;
        trials = new float[steps];
        for (int i = 0; i < steps; i++) trials[i] = (float) (low * (from + (to - from) * i / (steps - 1)));
    }

    void search(Tile tile) {
        for (int l = 0; l < Tile.LANES; l++) extreme[l] = tile.greatest[l] > -tile.least[l] ? tile.greatest[l] : tile.least[l];
        Arrays.fill(best, 0);
        Arrays.fill(d, 0);
        for (int l = 0; l < Tile.LANES; l++) reciprocal[l] = finite(1 / extreme[l]);
        for (float trial : trials) {
            LaneLoops.multiply(reciprocal, trial, inverse);
            attempt(tile);
        }
        for (int l = 0; l < Tile.LANES; l++) inverse[l] = finite(1 / d[l]);
        attempt(tile);
    }

    private void attempt(Tile tile) {
        products(tile, inverse);
        LaneLoops.divide(xq, qq, scale);
        LaneLoops.multiply(xq, scale, gain);
        for (int l = 0; l < Tile.LANES; l++) {
            if (gain[l] > best[l]) {
                best[l] = gain[l];
                d[l] = scale[l];
            }
        }
    }

    /** Leaves Σ x q and Σ q² of each lane in {@link #xq} and {@link #qq}. */
    void products(Tile tile, float[] inverses) {
        Arrays.fill(xq, 0);
        Arrays.fill(qq, NEVER_ZERO);
        for (float[] x : tile.x) LaneLoops.products(x, inverses, low, high, xq, qq);
    }

    /** Rounds for these inverse scales into the tile's quants. */
    void quants(Tile tile, float[] inverses) {
        for (int i = 0; i < tile.elements; i++) LaneLoops.quants(tile.x[i], inverses, low, high, tile.q[i]);
    }

    /** What a division by zero would make of it counts as zero; so do inverses that are too large to be multiplied with. */
    static float finite(float value) {
        return Math.abs(value) <= 1e38f ? value : 0;
    }
}
