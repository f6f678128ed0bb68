package dev.skald.quantize;

import dev.skald.tensor.Tensor;
import java.util.Arrays;

/**
 * Some groups of a tensor, transposed, so that loops over groups run along arrays. Lanes beyond the tensor's end hold zeros. Owned by one
 * worker, reused tile after tile.
 */
final class Tile {
    static final int LANES = 256;
    /** Squares of larger numbers would overflow in sums. No f16 scale reaches that far anyway. */
    private static final float LARGEST = 1e15f;
    /** Together with 1.5 · 2²³ a small whole number stands in a float's lowest bits: cheaper than a cast. */
    private static final float WHOLE = 12_582_912f;

    /** Elements of a group. */
    final int elements;
    /** [elements][LANES]: element i of each group. */
    final float[][] x;
    /** [elements][LANES]: what element i of each group became, a whole number. */
    final float[][] q;
    /** [LANES] */
    final float[] least = new float[LANES];
    /** [LANES] */
    final float[] greatest = new float[LANES];
    private final float[] rows;
    private final SourceRows source;

    Tile(Tensor source, int groupElements) {
        elements = groupElements;
        x = new float[groupElements][LANES];
        q = new float[groupElements][LANES];
        rows = new float[groupElements * LANES];
        this.source = new SourceRows(source, rows.length);
    }

    /**
     * Reads up to LANES groups.
     *
     * @param first element of the tensor
     * @param count elements, whole groups
     * @throws QuantisationException if one is infinite, not a number, or larger than any block can hold
     */
    void load(long first, int count) {
        source.read(first, count, rows);
        Arrays.fill(rows, count, rows.length, 0);
        for (int i = 0; i < elements; i++) transpose(rows, i, elements, x[i]);
        Arrays.fill(least, Float.POSITIVE_INFINITY);
        Arrays.fill(greatest, Float.NEGATIVE_INFINITY);
        for (float[] element : x) LaneLoops.range(element, least, greatest);
        for (int l = 0; l < LANES; l++) {
            // A NaN comes out of both, an infinity out of one of them.
            if (!(least[l] >= -LARGEST && greatest[l] <= LARGEST)) throw source.refuse(least[l], greatest[l]);
        }
    }

    private static void transpose(float[] rows, int from, int stride, float[] to) {
        for (int l = 0, at = from; l < to.length; l++, at += stride) to[l] = rows[at];
    }

    /** Copies a lane's quants out of {@link #q}. @param to [at, at + elements) is written */
    void quantsOf(int lane, byte[] to, int at) {
        for (int i = 0; i < elements; i++) to[at + i] = (byte) Float.floatToRawIntBits(q[i][lane] + WHOLE);
    }
}
