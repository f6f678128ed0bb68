package dev.skald.compute.cpu;

import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The integer half of products with quantised weights: sums of products of one activation row with each block of one vector of outputs. Layouts
 * are those of {@link QuantPanels}. Each method is small on purpose: the compiler stops to inline after so many nodes, and vectors become objects.
 *
 * <p>All take: {@code quants} or {@code panel}, the address of the panel's first word or byte for the vector's first lane; {@code blocks} of a row; {@code x}
 * pairs of activations as {@link QuantisedRows} has them, from {@code at} on; {@code to} out [blocks, lanes].
 */
final class LinearProducts {
    /** From a word of a panel to the next. */
    private static final int LINE = 4 * QuantPanels.ROWS;
    private static final int LOW_NIBBLES = 0x0F0F0F0F;
    private static final int LOW_PAIRS = 0x03030303;
    private static final short SIX_BIT_OFFSET = 32;

    private LinearProducts() {}

    /** Q4_0, Q4_1: 16 products of four bits fit 16 bits. */
    static void rowNibbles(long quants, int blocks, int[] x, int at, int[] to) {
        for (int b = 0; b < blocks; b++) {
            ShortVector v = QuantLanes.zero();
            for (int j = 0; j < 4; j++) {
                IntVector w = Lanes.loadInts(quants + (4 * b + j) * (long) LINE);
                int k = at + 16 * b + 2 * j;
                v = QuantLanes.add(v, QuantLanes.nibbles(w, 0), QuantLanes.nibbles(w, 8), x, k);
                v = QuantLanes.add(v, QuantLanes.nibbles(w, 4), QuantLanes.nibbles(w, 12), x, k + 8);
            }
            QuantLanes.sum(v).intoArray(to, b * Lanes.LENGTH);
        }
    }

    /** Q8_0: two products of bytes fit 16 bits. */
    static void rowSigned(long quants, int blocks, int[] x, int at, int[] to) {
        for (int b = 0; b < blocks; b++) {
            IntVector v = IntVector.zero(Lanes.INTS);
            for (int j = 0; j < 8; j++) {
                ShortVector w = Lanes.loadInts(quants + (8 * b + j) * (long) LINE).reinterpretAsShorts();
                ShortVector even = w.lanewise(VectorOperators.LSHL, 8).lanewise(VectorOperators.ASHR, 8);
                ShortVector odd = w.lanewise(VectorOperators.ASHR, 8);
                v = v.add(QuantLanes.sum(QuantLanes.add(QuantLanes.zero(), even, odd, x, at + 16 * b + 2 * j)));
            }
            v.intoArray(to, b * Lanes.LENGTH);
        }
    }

    /** Q5_1: eight products of five bits fit 16 bits, so sums are of half blocks: out [2 · blocks, lanes]. */
    static void rowFiveBits(long quants, int halves, int[] x, int at, int[] to) {
        for (int b = 0; b < halves; b++) {
            ShortVector v = QuantLanes.zero();
            for (int j = 0; j < 4; j++) {
                IntVector w = Lanes.loadInts(quants + (4 * b + j) * (long) LINE);
                v = QuantLanes.add(v, QuantLanes.even(w), QuantLanes.odd(w), x, at + 8 * b + 2 * j);
            }
            QuantLanes.sum(v).intoArray(to, b * Lanes.LENGTH);
        }
    }

    /** Q4_K: the eight groups of a block in turn, scaled and added up. @param scales address of the block's */
    static void rowQ4K(long quants, long scales, int[] x, int at, int[] to, int out) {
        IntVector total = IntVector.zero(Lanes.INTS);
        for (int g = 0; g < 8; g++) {
            ShortVector v = QuantLanes.zero();
            for (int j = 0; j < 8; j++) {
                IntVector w = Lanes.loadInts(quants + (8 * (g / 2) + j) * (long) LINE).lanewise(VectorOperators.LSHR, g % 2 * 4);
                v = QuantLanes.add(v, QuantLanes.nibbles(w, 0), QuantLanes.nibbles(w, 8), x, at + 16 * g + 2 * j);
            }
            total = total.add(QuantLanes.sum(v).mul(QuantLanes.unsignedBytes(scales + QuantPanels.ROWS * g)));
        }
        total.intoArray(to, out);
    }

    /** Q5_K: the sixteen groups of a block. */
    static void rowQ5K(long quants, long scales, int[] x, int at, int[] to, int out) {
        IntVector total = IntVector.zero(Lanes.INTS);
        for (int g = 0; g < 16; g++) {
            ShortVector v = QuantLanes.zero();
            for (int j = 0; j < 4; j++) {
                IntVector w = Lanes.loadInts(quants + (4 * g + j) * (long) LINE);
                v = QuantLanes.add(v, QuantLanes.even(w), QuantLanes.odd(w), x, at + 8 * g + 2 * j);
            }
            total = total.add(QuantLanes.sum(v).mul(QuantLanes.unsignedBytes(scales + QuantPanels.ROWS * g)));
        }
        total.intoArray(to, out);
    }

    /** Q6_K: the sixteen groups of a block; eight products of six bits around zero fit 16 bits. */
    static void rowQ6K(long quants, long scales, int[] x, int at, int[] to, int out) {
        IntVector total = IntVector.zero(Lanes.INTS);
        for (int g = 0; g < 16; g++) {
            ShortVector v = QuantLanes.zero();
            long words = quants + (long) 6 * LINE * (g / 2);
            for (int j = 0; j < 4; j++) {
                IntVector low = Lanes.loadInts(words + j * LINE).lanewise(VectorOperators.LSHR, g % 2 * 4).and(LOW_NIBBLES);
                IntVector top = Lanes.loadInts(words + (4 + j / 2) * LINE).lanewise(VectorOperators.LSHR, j % 2 * 4 + g % 2 * 2).and(LOW_PAIRS);
                IntVector w = low.or(top.lanewise(VectorOperators.LSHL, 4));
                v = QuantLanes.add(v, QuantLanes.even(w).sub(SIX_BIT_OFFSET), QuantLanes.odd(w).sub(SIX_BIT_OFFSET), x, at + 8 * g + 2 * j);
            }
            total = total.add(QuantLanes.sum(v).mul(QuantLanes.signedBytes(scales + QuantPanels.ROWS * g)));
        }
        total.intoArray(to, out);
    }

    /** Minima of a block, two groups at a time, times the groups' sums. @param sums of 16 activations each @param perGroup how many of these a group has */
    static void rowMinima(long minima, int groups, int perGroup, int[] sums, int at, int[] to, int out) {
        IntVector total = IntVector.zero(Lanes.INTS);
        for (int g = 0; g < groups; g += 2) {
            int first = sums[at + g * perGroup];
            int second = sums[at + (g + 1) * perGroup];
            if (perGroup == 2) {
                first += sums[at + 2 * g + 1];
                second += sums[at + 2 * g + 3];
            }
            IntVector both = Lanes.loadShorts(minima + (long) QuantPanels.ROWS * g);
            total = total.add(both.and(0xFF).mul(first)).add(both.lanewise(VectorOperators.LSHR, 8).mul(second));
        }
        total.intoArray(to, out);
    }
}
