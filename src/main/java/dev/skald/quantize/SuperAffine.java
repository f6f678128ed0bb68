package dev.skald.quantize;

import dev.skald.tensor.Block;
import dev.skald.tensor.DType;
import java.util.Arrays;

/**
 * Blocks of groups above minima, whose scales and minima are whole numbers times two f16: Q2_K, Q4_K, Q5_K. First the groups' own best pairs;
 * then the block's two scales, so that the greatest are representable; then each group's two whole numbers among their neighbours; last both
 * block scales again, by least squares over all its elements, kept if the error falls.
 */
final class SuperAffine implements BlockEncoder {
    private static final int[] NEIGHBOURS = {0, -1, 1};

    /** A block's two scales, and the whole numbers of its groups, each in its lanes. */
    private static final class Choice {
        final float[] d = new float[Tile.LANES];
        final float[] dmin = new float[Tile.LANES];
        final int[] scale = new int[Tile.LANES];
        final int[] min = new int[Tile.LANES];
    }

    private final AffineScales scales;
    private final int most;
    private final Block block;
    private final int groups;
    private final Choice chosen = new Choice();
    private final Choice tried = new Choice();
    private final int[] foundScale = new int[Tile.LANES];
    private final int[] foundMin = new int[Tile.LANES];
    private final float[] inverse = new float[Tile.LANES];
    private final float[] offset = new float[Tile.LANES];
    private final double[] error = new double[Tile.LANES];

    /** @param most of the whole numbers, from 0 on */
    SuperAffine(DType type, AffineScales scales, int most) {
        this.scales = scales;
        this.most = most;
        block = new Block(type);
        groups = block.groups();
    }

    @Override
    public void encode(Tile tile, int blocks, byte[] out) {
        scales.search(tile);
        for (int first = 0; first < Tile.LANES; first += groups) chooseBlockScales(first);
        chooseWholeNumbers(tile);
        refit(tile);
        factors(chosen);
        scales.quants(tile, inverse, offset);
        for (int b = 0; b < blocks; b++) {
            int first = b * groups;
            block.setScale(chosen.d[first], chosen.dmin[first]);
            for (int g = 0; g < groups; g++) {
                block.scales()[g] = (byte) chosen.scale[first + g];
                block.mins()[g] = (byte) chosen.min[first + g];
                tile.quantsOf(first + g, block.quants(), g * tile.elements);
            }
            block.write(out, b);
        }
    }

    private void chooseBlockScales(int first) {
        float greatest = 0;
        float least = 0;
        for (int l = first; l < first + groups; l++) {
            greatest = Math.max(greatest, scales.d[l]);
            least = Math.min(least, scales.m[l]);
        }
        float d = BlockEncoder.f16(greatest / most);
        float dmin = BlockEncoder.f16(-least / most);
        for (int l = first; l < first + groups; l++) {
            chosen.d[l] = d;
            chosen.dmin[l] = dmin;
            chosen.scale[l] = clamp(Math.round(scales.d[l] * SymmetricScales.finite(1 / d)));
            chosen.min[l] = clamp(Math.round(-scales.m[l] * SymmetricScales.finite(1 / dmin)));
        }
    }

    private void chooseWholeNumbers(Tile tile) {
        Arrays.fill(error, Double.POSITIVE_INFINITY);
        System.arraycopy(chosen.d, 0, tried.d, 0, Tile.LANES);
        System.arraycopy(chosen.dmin, 0, tried.dmin, 0, Tile.LANES);
        for (int scaleStep : NEIGHBOURS) for (int minStep : NEIGHBOURS) attempt(tile, scaleStep, minStep);
        System.arraycopy(foundScale, 0, chosen.scale, 0, Tile.LANES);
        System.arraycopy(foundMin, 0, chosen.min, 0, Tile.LANES);
    }

    private void attempt(Tile tile, int scaleStep, int minStep) {
        for (int l = 0; l < Tile.LANES; l++) {
            tried.scale[l] = clamp(chosen.scale[l] + scaleStep);
            tried.min[l] = clamp(chosen.min[l] + minStep);
        }
        products(tile, tried);
        for (int l = 0; l < Tile.LANES; l++) {
            double e = error(l, tried);
            if (e < error[l]) {
                error[l] = e;
                foundScale[l] = tried.scale[l];
                foundMin[l] = tried.min[l];
            }
        }
    }

    private void refit(Tile tile) {
        System.arraycopy(chosen.scale, 0, tried.scale, 0, Tile.LANES);
        System.arraycopy(chosen.min, 0, tried.min, 0, Tile.LANES);
        products(tile, chosen);
        for (int first = 0; first < Tile.LANES; first += groups) leastSquares(first, tile.elements);
        products(tile, tried);
        for (int first = 0; first < Tile.LANES; first += groups) {
            double before = 0;
            double after = 0;
            for (int l = first; l < first + groups; l++) {
                before += error[l];
                after += error(l, tried);
            }
            if (after < before) {
                System.arraycopy(tried.d, first, chosen.d, first, groups);
                System.arraycopy(tried.dmin, first, chosen.dmin, first, groups);
            }
        }
    }

    /** The pair (d, dmin) with the least Σ (x − d s q + dmin t)² over a block, s and t being the groups' whole numbers. */
    private void leastSquares(int first, int elements) {
        double ss = 0;
        double st = 0;
        double tt = 0;
        double xs = 0;
        double xt = 0;
        for (int l = first; l < first + groups; l++) {
            double s = chosen.scale[l];
            double t = chosen.min[l];
            ss += s * s * scales.qq[l];
            st += s * t * scales.q1[l];
            tt += t * t * elements;
            xs += s * scales.xq[l];
            xt += t * scales.x1[l];
        }
        double det = ss * tt - st * st;
        double d = det > 0 ? (xs * tt - xt * st) / det : chosen.d[first];
        double dmin = det > 0 ? (xs * st - xt * ss) / det : chosen.dmin[first];
        Arrays.fill(tried.d, first, first + groups, BlockEncoder.f16(d));
        Arrays.fill(tried.dmin, first, first + groups, BlockEncoder.f16(dmin));
    }

    private void products(Tile tile, Choice choice) {
        factors(choice);
        scales.products(tile, inverse, offset);
    }

    private void factors(Choice choice) {
        for (int l = 0; l < Tile.LANES; l++) {
            inverse[l] = SymmetricScales.finite(1 / (choice.d[l] * choice.scale[l]));
            offset[l] = -choice.dmin[l] * choice.min[l];
        }
    }

    private double error(int l, Choice choice) {
        return scales.error(l, choice.d[l] * choice.scale[l], -choice.dmin[l] * choice.min[l]);
    }

    private int clamp(int number) {
        return Math.clamp(number, 0, most);
    }
}
