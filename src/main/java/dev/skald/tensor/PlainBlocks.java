package dev.skald.tensor;

import java.util.Arrays;

/**
 * Blocks of 32 under one scale: Q4_0, Q5_0, Q8_0 and IQ4_NL around zero, Q4_1 and Q5_1 above an offset. The lower four bits of elements i and
 * i + 16 share byte i; the fifth bits of all lie in one 32-bit word.
 */
final class PlainBlocks {
    private static final int ELEMENTS = 32;
    private static final int HALF = ELEMENTS / 2;

    /** The 16 values of IQ4_NL, ascending: denser around zero, as weights are. */
    private static final byte[] IQ4_NL_VALUES = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

    private PlainBlocks() {}

    static byte[] iq4nlValues() {
        return IQ4_NL_VALUES.clone();
    }

    static void read(byte[] in, Block block) {
        byte[] q = block.quants();
        block.scales()[0] = 1;
        block.mins()[0] = (byte) (Block.hasMinima(block.type()) ? 1 : 0);
        block.setScale(Block.f16(in, 0), Block.hasMinima(block.type()) ? -Block.f16(in, 2) : 0);
        switch (block.type()) {
            case Q4_0 -> nibbles(in, 2, q, 8);
            case Q4_1 -> nibbles(in, 4, q, 0);
            case Q5_0 -> {
                nibbles(in, 6, q, 0);
                addFifthBits(in, 2, q, 16);
            }
            case Q5_1 -> {
                nibbles(in, 8, q, 0);
                addFifthBits(in, 4, q, 0);
            }
            case Q8_0 -> System.arraycopy(in, 2, q, 0, ELEMENTS);
            case IQ4_NL -> {
                nibbles(in, 2, q, 0);
                for (int i = 0; i < ELEMENTS; i++) q[i] = IQ4_NL_VALUES[q[i]];
            }
            default -> throw new IllegalArgumentException(block.type().toString());
        }
    }

    static void write(Block block, byte[] out) {
        byte[] q = block.quants();
        Block.putF16(out, 0, block.d());
        if (Block.hasMinima(block.type())) Block.putF16(out, 2, -block.dmin());
        switch (block.type()) {
            case Q4_0 -> putNibbles(q, 8, out, 2);
            case Q4_1 -> putNibbles(q, 0, out, 4);
            case Q5_0 -> {
                putNibbles(q, 16, out, 6);
                putFifthBits(q, 16, out, 2);
            }
            case Q5_1 -> {
                putNibbles(q, 0, out, 8);
                putFifthBits(q, 0, out, 4);
            }
            case Q8_0 -> System.arraycopy(q, 0, out, 2, ELEMENTS);
            case IQ4_NL -> {
                for (int i = 0; i < HALF; i++) out[2 + i] = (byte) (iq4nlCode(q[i]) | iq4nlCode(q[i + HALF]) << 4);
            }
            default -> throw new IllegalArgumentException(block.type().toString());
        }
    }

    /** See {@link Blocks#writeQ4_0}. */
    static void writeQ4_0(float[] d, float[][] q, int blocks, byte[] out) {
        int stride = DType.Q4_0.blockBytes();
        for (int b = 0; b < blocks; b++) Block.putF16(out, b * stride, d[b]);
        for (int i = 0; i < HALF; i++) pairs(q[i], q[i + HALF], blocks, out, 2 + i, stride);
    }

    /** The sum of 1.5 · 2²³ and a small whole number holds the number in its lowest bits: cheaper than a cast. */
    private static void pairs(float[] low, float[] high, int count, byte[] out, int at, int stride) {
        float offset = 12_582_912f + 8;
        for (int b = 0, to = at; b < count; b++, to += stride) {
            out[to] = (byte) (Float.floatToRawIntBits(low[b] + offset) & 15 | Float.floatToRawIntBits(high[b] + offset) << 4);
        }
    }

    private static void nibbles(byte[] in, int at, byte[] q, int offset) {
        for (int i = 0; i < HALF; i++) {
            q[i] = (byte) ((in[at + i] & 15) - offset);
            q[i + HALF] = (byte) ((in[at + i] >> 4 & 15) - offset);
        }
    }

    private static void putNibbles(byte[] q, int offset, byte[] out, int at) {
        for (int i = 0; i < HALF; i++) out[at + i] = (byte) (q[i] + offset & 15 | q[i + HALF] + offset << 4);
    }

    private static void addFifthBits(byte[] in, int at, byte[] q, int offset) {
        for (int i = 0; i < ELEMENTS; i++) q[i] += (byte) ((in[at + i / 8] >> i % 8 & 1) * 16 - offset);
    }

    private static void putFifthBits(byte[] q, int offset, byte[] out, int at) {
        Arrays.fill(out, at, at + 4, (byte) 0);
        for (int i = 0; i < ELEMENTS; i++) out[at + i / 8] |= (byte) ((q[i] + offset >> 4 & 1) << i % 8);
    }

    private static int iq4nlCode(byte value) {
        int code = Arrays.binarySearch(IQ4_NL_VALUES, value);
        if (code < 0) throw new IllegalArgumentException(value + " is not a value of IQ4_NL");
        return code;
    }
}
