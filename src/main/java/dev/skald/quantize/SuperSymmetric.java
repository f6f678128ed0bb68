package dev.skald.quantize;

import dev.skald.tensor.Block;
import dev.skald.tensor.DType;

/**
 * Blocks of 16 groups around zero, whose scales are whole numbers times one f16: Q3_K, Q6_K. First the groups' own best scales; then the block's
 * scale, so that the greatest of them is representable; then each group's whole number among its neighbours; last the block's scale again, by
 * least squares over all its elements, kept if the error falls.
 */
final class SuperSymmetric implements BlockEncoder {
    private static final int[] NEIGHBOURS = {0, -1, 1};

    private final SymmetricScales scales;
    private final int leastScale;
    private final int greatestScale;
    private final Block block;
    private final int groups;
    /** [LANES]: the block's scale, in each of its lanes. */
    private final float[] d = new float[Tile.LANES];
    /** [LANES]: the groups' whole numbers. */
    private final int[] whole = new int[Tile.LANES];
    private final int[] tried = new int[Tile.LANES];
    private final int[] found = new int[Tile.LANES];
    private final float[] tryD = new float[Tile.LANES];
    private final float[] inverse = new float[Tile.LANES];
    /** [LANES]: what each group takes off the error. */
    private final double[] gain = new double[Tile.LANES];

    SuperSymmetric(DType type, SymmetricScales scales, int leastScale, int greatestScale) {
        this.scales = scales;
        this.leastScale = leastScale;
        this.greatestScale = greatestScale;
        block = new Block(type);
        groups = block.groups();
    }

    @Override
    public void encode(Tile tile, int blocks, byte[] out) {
        scales.search(tile);
        for (int first = 0; first < Tile.LANES; first += groups) chooseBlockScale(first);
        chooseWholeNumbers(tile);
        refit(tile);
        for (int l = 0; l < Tile.LANES; l++) inverse[l] = SymmetricScales.finite(1 / (d[l] * whole[l]));
        scales.quants(tile, inverse);
        for (int b = 0; b < blocks; b++) {
            int first = b * groups;
            block.setScale(d[first], 0);
            for (int g = 0; g < groups; g++) {
                block.scales()[g] = (byte) whole[first + g];
                tile.quantsOf(first + g, block.quants(), g * tile.elements);
            }
            block.write(out, b);
        }
    }

    private void chooseBlockScale(int first) {
        float extreme = 0;
        for (int l = first; l < first + groups; l++) if (Math.abs(scales.d[l]) > Math.abs(extreme)) extreme = scales.d[l];
        float scale = BlockEncoder.f16(extreme / leastScale);
        float inverseScale = SymmetricScales.finite(1 / scale);
        for (int l = first; l < first + groups; l++) {
            d[l] = scale;
            whole[l] = clamp(Math.round(scales.d[l] * inverseScale));
        }
    }

    private void chooseWholeNumbers(Tile tile) {
        java.util.Arrays.fill(gain, Double.NEGATIVE_INFINITY);
        for (int step : NEIGHBOURS) {
            for (int l = 0; l < Tile.LANES; l++) tried[l] = clamp(whole[l] + step);
            products(tile, d, tried);
            for (int l = 0; l < Tile.LANES; l++) {
                double taken = gain(l, d[l] * tried[l]);
                if (taken > gain[l]) {
                    gain[l] = taken;
                    found[l] = tried[l];
                }
            }
        }
        System.arraycopy(found, 0, whole, 0, Tile.LANES);
    }

    private void refit(Tile tile) {
        products(tile, d, whole);
        for (int first = 0; first < Tile.LANES; first += groups) {
            double xq = 0;
            double qq = 0;
            for (int l = first; l < first + groups; l++) {
                xq += (double) whole[l] * scales.xq[l];
                qq += (double) whole[l] * whole[l] * scales.qq[l];
            }
            float better = qq > 0 ? BlockEncoder.f16(xq / qq) : d[first];
            for (int l = first; l < first + groups; l++) tryD[l] = better;
        }
        products(tile, tryD, whole);
        for (int first = 0; first < Tile.LANES; first += groups) {
            double before = 0;
            double after = 0;
            for (int l = first; l < first + groups; l++) {
                before += gain[l];
                after += gain(l, tryD[l] * whole[l]);
            }
            if (after > before) System.arraycopy(tryD, first, d, first, groups);
        }
    }

    private void products(Tile tile, float[] blockScale, int[] numbers) {
        for (int l = 0; l < Tile.LANES; l++) inverse[l] = SymmetricScales.finite(1 / (blockScale[l] * numbers[l]));
        scales.products(tile, inverse);
    }

    /** How much less than Σ x² the error is with this scale. */
    private double gain(int l, double scale) {
        return scale * (2 * scales.xq[l] - scale * scales.qq[l]);
    }

    private int clamp(int number) {
        return Math.clamp(number, leastScale, greatestScale);
    }
}
