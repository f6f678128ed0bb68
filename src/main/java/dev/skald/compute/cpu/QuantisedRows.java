package dev.skald.compute.cpu;

import dev.skald.tensor.DType;

/**
 * Activation rows, rounded to integers, as the products in Java read them. {@code QuantisedLinearReference} defines the rounding. Rows are written by workers before a product, and
 * read by all of them while it runs.
 */
final class QuantisedRows {
    /** Activations under one entry of {@link #sums}. */
    static final int SUM_ELEMENTS = 16;

    private static final float LEAST = 0x1p-100f;
    private static final int INFINITY_BITS = 0x7F800000;
    /** Adding it rounds to an integer, half to even, and leaves that in the low bits. */
    private static final float ROUNDING = 0x1.8p23f;

    /** [rows, inputs / 2]: of four neighbours the even pair, then the odd pair, 16 bits each. */
    final int[] pairs;
    /** [rows, inputs / 32], of which types with blocks of 256 use the first of each eight. */
    final float[] scales;
    /** [rows, inputs / 16]. */
    final int[] sums;

    private final int inputs;

    QuantisedRows(int rows, int inputs) {
        this.inputs = inputs;
        pairs = new int[Math.multiplyExact(rows, inputs / 2)];
        scales = new float[rows * (inputs / 32)];
        sums = new int[rows * (inputs / SUM_ELEMENTS)];
    }

    int pairsAt(int row) {
        return row * (inputs / 2);
    }

    private int scalesAt(int row) {
        return row * (inputs / 32);
    }

    int sumsAt(int row) {
        return row * (inputs / SUM_ELEMENTS);
    }

    /** Of a block of 32. */
    float scale32(int row, int block) {
        return scales[scalesAt(row) + block];
    }

    /** Of a block of 256. */
    float scale256(int row, int block) {
        return scales[scalesAt(row) + 8 * block];
    }

    /** Of the integers of a block of 32. */
    int sum32(int row, int block) {
        int at = sumsAt(row) + 2 * block;
        return sums[at] + sums[at + 1];
    }

    /** @param from address of [in] f32 @param in a whole number of the layout's blocks */
    void round(DType layout, int row, long from, int in) {
        int block = layout.blockElements();
        for (int k = 0; k < in; k += block) {
            float scale = scale(from + 4L * k, block);
            scales[scalesAt(row) + k / 32] = scale;
            float inverse = inverse(from + 4L * k, block, scale);
            for (int i = k; i < k + block; i += SUM_ELEMENTS) {
                sums[sumsAt(row) + i / SUM_ELEMENTS] = roundSixteen(from + 4L * i, inverse, pairsAt(row) + i / 2);
            }
        }
    }

    private static int greatestBits(long from, int count) {
        int greatest = 0;
        for (int i = 0; i < count; i++) greatest = Math.max(greatest, RawMemory.loadInt(from + 4L * i) & Integer.MAX_VALUE);
        return greatest;
    }

    private static float scale(long from, int count) {
        int bits = greatestBits(from, count);
        if (bits >= INFINITY_BITS) return Float.NaN;
        float greatest = Float.intBitsToFloat(bits);
        return greatest < LEAST ? 0 : greatest / 127;
    }

    /** 0 where all integers are to be 0. */
    private static float inverse(long from, int count, float scale) {
        return scale > 0 ? 127 / Float.intBitsToFloat(greatestBits(from, count)) : 0;
    }

    /** @return the sum of the integers */
    private int roundSixteen(long from, float inverse, int to) {
        if (inverse == 0) {
            for (int i = 0; i < SUM_ELEMENTS / 2; i++) pairs[to + i] = 0;
            return 0;
        }
        int sum = 0;
        for (int i = 0; i < SUM_ELEMENTS; i += 4) {
            int a = round(from + 4L * i, inverse);
            int b = round(from + 4L * i + 4, inverse);
            int c = round(from + 4L * i + 8, inverse);
            int d = round(from + 4L * i + 12, inverse);
            pairs[to + i / 2] = a & 0xFFFF | c << 16;
            pairs[to + i / 2 + 1] = b & 0xFFFF | d << 16;
            sum += a + b + c + d;
        }
        return sum;
    }

    private static int round(long from, float inverse) {
        float x = RawMemory.loadFloat(from) * inverse;
        return (int) (x + ROUNDING - ROUNDING);
    }
}
