package dev.skald.quantize;

import dev.skald.tensor.Block;
import dev.skald.tensor.Blocks;
import dev.skald.tensor.DType;

/** IQ4_NL: quants are the 16 values of a table. The same search as {@link SymmetricScales}, with the nearest value instead of rounding. */
final class NonLinear implements BlockEncoder {
    private static final int ELEMENTS = 32;
    private static final int TRIALS = 16;
    /** Trials as shares of the table's least value. */
    private static final double FROM = 0.85;
    private static final double TO = 1.2;
    private static final float ROUND = 12_582_912f;
    private static final int REACH = 192;

    /** [2 · REACH + 1]: the nearest of the table's values to a whole number, less REACH. */
    private final byte[] nearest = new byte[2 * REACH + 1];
    private final float least;
    private final Block block = new Block(DType.IQ4_NL);
    private final float[] x = new float[ELEMENTS];
    private float scale;
    private float gain;

    NonLinear() {
        byte[] values = Blocks.iq4nlValues();
        least = values[0];
        for (int i = 0, v = 0; i < nearest.length; i++) {
            // Of two as near, the one nearer to zero.
            while (v + 1 < values.length && Math.abs(values[v + 1] - (i - REACH)) <= Math.abs(values[v] - (i - REACH))) v++;
            nearest[i] = values[v];
        }
        block.scales()[0] = 1;
    }

    @Override
    public void encode(Tile tile, int blocks, byte[] out) {
        for (int b = 0; b < blocks; b++) {
            for (int i = 0; i < ELEMENTS; i++) x[i] = tile.x[i][b];
            float d = BlockEncoder.f16(search(tile.greatest[b] > -tile.least[b] ? tile.greatest[b] : tile.least[b]));
            float inverse = SymmetricScales.finite(1 / d);
            for (int i = 0; i < ELEMENTS; i++) block.quants()[i] = value(x[i] * inverse);
            block.setScale(d, 0);
            block.write(out, b);
        }
    }

    private float search(float extreme) {
        float best = 0;
        float d = 0;
        for (int trial = 0; trial <= TRIALS; trial++) {
            float share = (float) (least * (FROM + (TO - FROM) * trial / (TRIALS - 1)));
            attempt(SymmetricScales.finite(trial < TRIALS ? share / extreme : 1 / d));
            if (gain > best) {
                best = gain;
                d = scale;
            }
        }
        return d;
    }

    private void attempt(float inverse) {
        float xq = 0;
        float qq = 0;
        for (float v : x) {
            float q = value(v * inverse);
            xq += v * q;
            qq += q * q;
        }
        scale = SymmetricScales.finite(xq / qq);
        gain = scale * xq;
    }

    private byte value(float v) {
        return nearest[(int) ((Math.max(Math.min(v, REACH), -REACH) + ROUND) - ROUND) + REACH];
    }
}
