package dev.skald.tensor;

import java.lang.foreign.MemorySegment;

/** Reads elements of any type that holds numbers, quantised or not, exactly as the file means them. For loading and the reference, not for kernels. */
public final class Blocks {
    private Blocks() {}

    /**
     * Widens {@code out.length} elements from {@code first} on.
     *
     * @param data  of {@code type}, from element 0 on
     * @param first a multiple of the type's block, as is {@code out.length}
     * @throws IllegalArgumentException if they aren't whole blocks, or {@code type} is I32
     */
    public static void dequantise(DType type, MemorySegment data, long first, float[] out) {
        if (!type.quantised()) {
            for (int i = 0; i < out.length; i++) out[i] = Elements.get(type, data, first + i);
            return;
        }
        int n = type.blockElements();
        if (first % n != 0 || out.length % n != 0) {
            throw new IllegalArgumentException(out.length + " elements from " + first + " on are not whole blocks of " + type);
        }
        Block block = new Block(type);
        for (int i = 0; i < out.length; i += n) block.read(data, (first + i) / n).dequantise(out, i);
    }

    /**
     * Puts many blocks of Q4_0 together at once: the type that people quantise to in a hurry.
     *
     * @param d   [≥ blocks]: scales, representable as f16
     * @param q   [32][≥ blocks]: element i of each block, whole numbers in [−8, 7]
     * @param out [0, 18 · blocks) is written
     */
    public static void writeQ4_0(float[] d, float[][] q, int blocks, byte[] out) {
        PlainBlocks.writeQ4_0(d, q, blocks, out);
    }

    /** The 16 values of IQ4_NL in ascending order; a quant's code is its place here. */
    public static byte[] iq4nlValues() {
        return PlainBlocks.iq4nlValues();
    }
}
