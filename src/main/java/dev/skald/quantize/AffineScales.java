package dev.skald.quantize;

import java.util.Arrays;

/**
 * Finds for every lane the d and m that make Σ (x − d q − m)² small, q whole numbers in [0, high]. Trials draw in the two ends of the lane's
 * range by shares of a step; for each the quants are rounded, and d and m follow by least squares. Last, the quants are rounded once more for
 * the best pair (Lloyd's step).
 */
final class AffineScales {
    private final float high;
    private final float[] ends;
    private final boolean belowZero;
    /** [LANES]: the best scale of each lane. */
    final float[] d = new float[Tile.LANES];
    /** [LANES]: the best offset of each lane. */
    final float[] m = new float[Tile.LANES];
    private final double[] best = new double[Tile.LANES];
    private final float[] inverse = new float[Tile.LANES];
    private final float[] offset = new float[Tile.LANES];
    final float[] x1 = new float[Tile.LANES];
    final float[] xx = new float[Tile.LANES];
    final float[] q1 = new float[Tile.LANES];
    final float[] qq = new float[Tile.LANES];
    final float[] xq = new float[Tile.LANES];
    private int elements;

    /**
     * @param ends      by how many steps each end of the range is drawn in, tried in all pairs; negative: moved out
     * @param belowZero whether offsets may not be positive
     */
    AffineScales(int high, boolean belowZero, float... ends) {
        this.high = high;
        this.belowZero = belowZero;
        this.ends = ends.clone();
    }

    void search(Tile tile) {
        elements = tile.elements;
        Arrays.fill(x1, 0);
        Arrays.fill(xx, 0);
        for (float[] x : tile.x) {
            LaneLoops.addTo(x1, x);
            LaneLoops.addSquaresTo(xx, x);
        }
        Arrays.fill(best, Double.POSITIVE_INFINITY);
        for (float lower : ends) for (float upper : ends) attempt(tile, lower, upper);
        for (int l = 0; l < Tile.LANES; l++) {
            inverse[l] = SymmetricScales.finite(1 / d[l]);
            offset[l] = m[l];
        }
        attempt(tile);
    }

    private void attempt(Tile tile, float lower, float upper) {
        for (int l = 0; l < Tile.LANES; l++) {
            float least = belowZero ? Math.min(tile.least[l], 0) : tile.least[l];
            float step = (tile.greatest[l] - least) / high;
            offset[l] = least + lower * step;
            if (belowZero) offset[l] = Math.min(offset[l], 0);
            inverse[l] = SymmetricScales.finite(1 / (step - (lower + upper) * step / high));
        }
        attempt(tile);
    }

    private void attempt(Tile tile) {
        products(tile, inverse, offset);
        for (int l = 0; l < Tile.LANES; l++) {
            double det = (double) elements * qq[l] - (double) q1[l] * q1[l];
            double scale = det > 0 ? ((double) elements * xq[l] - (double) x1[l] * q1[l]) / det : 0;
            double shift = (x1[l] - scale * q1[l]) / elements;
            if (belowZero && shift > 0) {
                shift = 0;
                scale = qq[l] > 0 ? xq[l] / qq[l] : 0;
            }
            scale = Math.max(scale, 0);
            double error = error(l, scale, shift);
            if (error < best[l]) {
                best[l] = error;
                d[l] = (float) scale;
                m[l] = (float) shift;
            }
        }
    }

    /** Σ (x − d q − m)² of a lane, for the sums made last. */
    double error(int l, double scale, double shift) {
        return xx[l] + scale * scale * qq[l] + elements * shift * shift + 2 * (scale * shift * q1[l] - scale * xq[l] - shift * x1[l]);
    }

    /** Leaves Σ q, Σ q² and Σ x q of each lane in {@link #q1}, {@link #qq} and {@link #xq}. */
    void products(Tile tile, float[] inverses, float[] offsets) {
        Arrays.fill(q1, 0);
        Arrays.fill(qq, 0);
        Arrays.fill(xq, 0);
        for (float[] x : tile.x) LaneLoops.products(x, inverses, offsets, high, q1, qq, xq);
    }

    /** Rounds for these inverse scales and offsets into the tile's quants. */
    void quants(Tile tile, float[] inverses, float[] offsets) {
        for (int i = 0; i < tile.elements; i++) LaneLoops.quants(tile.x[i], inverses, offsets, high, tile.q[i]);
    }
}
