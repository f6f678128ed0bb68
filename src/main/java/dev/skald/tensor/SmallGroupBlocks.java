package dev.skald.tensor;

import java.util.Arrays;

/**
 * Blocks of 256 in 16 groups of 16: Q2_K with minima, Q3_K and Q6_K around zero. Within each half of 128 elements, quarters of 32 share bytes:
 * byte b holds two bits of elements b, b + 32, b + 64 and b + 96.
 */
final class SmallGroupBlocks {
    private static final int ELEMENTS = 256;
    private static final int GROUPS = 16;

    private SmallGroupBlocks() {}

    static void read(byte[] in, Block block) {
        switch (block.type()) {
            case Q2_K -> readQ2(in, block);
            case Q3_K -> readQ3(in, block);
            case Q6_K -> readQ6(in, block);
            default -> throw new IllegalArgumentException(block.type().toString());
        }
    }

    static void write(Block block, byte[] out) {
        Arrays.fill(out, (byte) 0);
        switch (block.type()) {
            case Q2_K -> writeQ2(block, out);
            case Q3_K -> writeQ3(block, out);
            case Q6_K -> writeQ6(block, out);
            default -> throw new IllegalArgumentException(block.type().toString());
        }
    }

    /** Bytes: 16 of scale (low nibble) and minimum (high), 64 of two-bit quants, d, dmin. */
    private static void readQ2(byte[] in, Block block) {
        for (int g = 0; g < GROUPS; g++) {
            block.scales()[g] = (byte) (in[g] & 15);
            block.mins()[g] = (byte) (in[g] >> 4 & 15);
        }
        for (int i = 0; i < ELEMENTS; i++) block.quants()[i] = (byte) pair(in, 16, i);
        block.setScale(Block.f16(in, 80), Block.f16(in, 82));
    }

    private static void writeQ2(Block block, byte[] out) {
        for (int g = 0; g < GROUPS; g++) out[g] = (byte) (block.scales()[g] & 15 | block.mins()[g] << 4);
        for (int i = 0; i < ELEMENTS; i++) putPair(out, 16, i, block.quants()[i]);
        Block.putF16(out, 80, block.d());
        Block.putF16(out, 82, block.dmin());
    }

    /**
     * Bytes: 32 of third bits (bit j of byte b is element 32 j + b), 64 of lower two bits, 12 of six-bit scales (their low nibbles in 8 bytes,
     * group g beside g + 8; their upper pairs in 4 bytes, groups g, g + 4, g + 8, g + 12), d. Quants are less 4, scales less 32.
     */
    private static void readQ3(byte[] in, Block block) {
        for (int g = 0; g < GROUPS; g++) {
            int low = in[96 + g % 8] >> 4 * (g / 8) & 15;
            int high = in[104 + g % 4] >> 2 * (g / 4) & 3;
            block.scales()[g] = (byte) ((low | high << 4) - 32);
        }
        for (int i = 0; i < ELEMENTS; i++) {
            int third = in[i % 32] >> i / 32 & 1;
            block.quants()[i] = (byte) ((pair(in, 32, i) | third << 2) - 4);
        }
        Arrays.fill(block.mins(), (byte) 0);
        block.setScale(Block.f16(in, 108), 0);
    }

    private static void writeQ3(Block block, byte[] out) {
        for (int g = 0; g < GROUPS; g++) {
            int scale = block.scales()[g] + 32 & 63;
            out[96 + g % 8] |= (byte) ((scale & 15) << 4 * (g / 8));
            out[104 + g % 4] |= (byte) (scale >> 4 << 2 * (g / 4));
        }
        for (int i = 0; i < ELEMENTS; i++) {
            int quant = block.quants()[i] + 4 & 7;
            putPair(out, 32, i, quant);
            out[i % 32] |= (byte) (quant >> 2 << i / 32);
        }
        Block.putF16(out, 108, block.d());
    }

    /** Bytes: 128 of low nibbles (in each half, element b beside b + 64), 64 of upper pairs, 16 of signed scales, d. Quants are less 32. */
    private static void readQ6(byte[] in, Block block) {
        for (int i = 0; i < ELEMENTS; i++) {
            int low = in[i / 128 * 64 + i % 64] >> 4 * (i % 128 / 64) & 15;
            block.quants()[i] = (byte) ((low | pair(in, 128, i) << 4) - 32);
        }
        System.arraycopy(in, 192, block.scales(), 0, GROUPS);
        Arrays.fill(block.mins(), (byte) 0);
        block.setScale(Block.f16(in, 208), 0);
    }

    private static void writeQ6(Block block, byte[] out) {
        for (int i = 0; i < ELEMENTS; i++) {
            int quant = block.quants()[i] + 32 & 63;
            out[i / 128 * 64 + i % 64] |= (byte) ((quant & 15) << 4 * (i % 128 / 64));
            putPair(out, 128, i, quant >> 4);
        }
        System.arraycopy(block.scales(), 0, out, 192, GROUPS);
        Block.putF16(out, 208, block.d());
    }

    /** Two bits of element i, from 64 bytes that begin at {@code at}. */
    private static int pair(byte[] in, int at, int i) {
        return in[at + i / 128 * 32 + i % 32] >> 2 * (i % 128 / 32) & 3;
    }

    private static void putPair(byte[] out, int at, int i, int bits) {
        out[at + i / 128 * 32 + i % 32] |= (byte) ((bits & 3) << 2 * (i % 128 / 32));
    }
}
