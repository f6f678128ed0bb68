package dev.skald.tensor;

import java.util.Arrays;

/**
 * Blocks of 256 in 8 groups of 32 with six-bit scales and minima: Q4_K and Q5_K. Bytes: d, dmin, 12 of scales and minima, Q5_K's 32 of fifth
 * bits (bit j of byte b is element 32 j + b), 128 of nibbles (in each quarter of 64, element b beside b + 32).
 */
final class LargeGroupBlocks {
    private static final int ELEMENTS = 256;
    private static final int GROUPS = 8;
    private static final int SCALES = 4;
    private static final int FIFTH_BITS = 16;

    private LargeGroupBlocks() {}

    static void read(byte[] in, Block block) {
        readScales(in, block);
        boolean five = block.type() == DType.Q5_K;
        int nibbles = five ? FIFTH_BITS + ELEMENTS / 8 : FIFTH_BITS;
        for (int i = 0; i < ELEMENTS; i++) {
            int low = in[nibbles + i / 64 * 32 + i % 32] >> 4 * (i % 64 / 32) & 15;
            int fifth = five ? in[FIFTH_BITS + i % 32] >> i / 32 & 1 : 0;
            block.quants()[i] = (byte) (low | fifth << 4);
        }
        block.setScale(Block.f16(in, 0), Block.f16(in, 2));
    }

    static void write(Block block, byte[] out) {
        Arrays.fill(out, (byte) 0);
        Block.putF16(out, 0, block.d());
        Block.putF16(out, 2, block.dmin());
        writeScales(block, out);
        boolean five = block.type() == DType.Q5_K;
        int nibbles = five ? FIFTH_BITS + ELEMENTS / 8 : FIFTH_BITS;
        for (int i = 0; i < ELEMENTS; i++) {
            int quant = block.quants()[i];
            out[nibbles + i / 64 * 32 + i % 32] |= (byte) ((quant & 15) << 4 * (i % 64 / 32));
            if (five) out[FIFTH_BITS + i % 32] |= (byte) ((quant >> 4 & 1) << i / 32);
        }
    }

    /**
     * Bytes 0…3: scales 0…3 in six bits; 4…7: minima 0…3; 8…11: the low nibbles of scales 4…7 and above them of minima 4…7, whose upper
     * pairs stand in the two free bits of bytes 0…3 and 4…7.
     */
    private static void readScales(byte[] in, Block block) {
        for (int g = 0; g < 4; g++) {
            block.scales()[g] = (byte) (in[SCALES + g] & 63);
            block.mins()[g] = (byte) (in[SCALES + 4 + g] & 63);
            block.scales()[4 + g] = (byte) (in[SCALES + 8 + g] & 15 | (in[SCALES + g] >> 6 & 3) << 4);
            block.mins()[4 + g] = (byte) (in[SCALES + 8 + g] >> 4 & 15 | (in[SCALES + 4 + g] >> 6 & 3) << 4);
        }
    }

    private static void writeScales(Block block, byte[] out) {
        for (int g = 0; g < GROUPS / 2; g++) {
            int scale = block.scales()[4 + g];
            int min = block.mins()[4 + g];
            out[SCALES + g] = (byte) (block.scales()[g] & 63 | scale >> 4 << 6);
            out[SCALES + 4 + g] = (byte) (block.mins()[g] & 63 | min >> 4 << 6);
            out[SCALES + 8 + g] = (byte) (scale & 15 | min << 4);
        }
    }
}
