package dev.skald.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * One block of a quantised type, taken apart. All types come down to one formula; element i of group g = i / {@link #groupElements} is
 *
 * <pre>d · scales[g] · quants[i]  −  dmin · mins[g]</pre>
 *
 * where every factor is what the file holds (f16 d and dmin, small integers), so that both products are exact in f32 and only the difference
 * rounds. A type without minima has dmin = 0 and mins = 0; one without scales of groups has scales = 1; Q4_1 and Q5_1, which add an offset m,
 * have dmin = −m and mins = 1. IQ4_NL's quants are the values of its table.
 *
 * <p>Mutable and reused block after block; owned by one thread. Kernels that pack weights read the arrays, quantisers fill them.
 */
public final class Block {
    /** Elements of the largest block. */
    public static final int MAX_ELEMENTS = 256;

    private static final int MAX_GROUPS = 16;

    private final DType type;
    private final int groupElements;
    private final byte[] bytes;
    private final byte[] quants;
    private final byte[] scales = new byte[MAX_GROUPS];
    private final byte[] mins = new byte[MAX_GROUPS];
    private float d;
    private float dmin;

    /** @throws IllegalArgumentException if {@code type} isn't quantised */
    public Block(DType type) {
        this.type = type;
        groupElements = groupElements(type);
        bytes = new byte[type.blockBytes()];
        quants = new byte[type.blockElements()];
    }

    /** Elements that share one of {@link #scales} and {@link #mins}. @throws IllegalArgumentException if {@code type} isn't quantised */
    public static int groupElements(DType type) {
        return switch (type) {
            case Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL, Q4_K, Q5_K -> 32;
            case Q2_K, Q3_K, Q6_K -> 16;
            case F32, F16, BF16, I32 -> throw new IllegalArgumentException(type + " has no blocks");
        };
    }

    /** Whether blocks of this type hold minima (or an offset), so that a second sum is needed beside the one with the quants. */
    public static boolean hasMinima(DType type) {
        return switch (type) {
            case Q4_1, Q5_1, Q2_K, Q4_K, Q5_K -> true;
            default -> false;
        };
    }

    public DType type() {
        return type;
    }

    public int groupElements() {
        return groupElements;
    }

    /** [groups]: how many groups the block has. */
    public int groups() {
        return quants.length / groupElements;
    }

    /** [block elements], signed. */
    public byte[] quants() {
        return quants;
    }

    /** [groups], signed; longer than needed. */
    public byte[] scales() {
        return scales;
    }

    /** [groups], not negative; longer than needed. */
    public byte[] mins() {
        return mins;
    }

    public float d() {
        return d;
    }

    public float dmin() {
        return dmin;
    }

    /** @param d and dmin: representable as f16, else {@link #write} rounds them */
    public void setScale(float d, float dmin) {
        this.d = d;
        this.dmin = dmin;
    }

    /** Takes block {@code index} of {@code data} apart. @return this */
    public Block read(MemorySegment data, long index) {
        MemorySegment.copy(data, ValueLayout.JAVA_BYTE, index * bytes.length, bytes, 0, bytes.length);
        switch (type) {
            case Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL -> PlainBlocks.read(bytes, this);
            case Q2_K, Q3_K, Q6_K -> SmallGroupBlocks.read(bytes, this);
            case Q4_K, Q5_K -> LargeGroupBlocks.read(bytes, this);
            case F32, F16, BF16, I32 -> throw new IllegalStateException(type + " has no blocks");
        }
        return this;
    }

    /** Puts the block together at {@code index} of {@code data}; integers beyond what the type holds lose their upper bits. */
    public void write(MemorySegment data, long index) {
        assemble();
        MemorySegment.copy(bytes, 0, data, ValueLayout.JAVA_BYTE, index * bytes.length, bytes.length);
    }

    /** The same into an array that begins with block 0. */
    public void write(byte[] data, int index) {
        assemble();
        System.arraycopy(bytes, 0, data, index * bytes.length, bytes.length);
    }

    private void assemble() {
        switch (type) {
            case Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL -> PlainBlocks.write(this, bytes);
            case Q2_K, Q3_K, Q6_K -> SmallGroupBlocks.write(this, bytes);
            case Q4_K, Q5_K -> LargeGroupBlocks.write(this, bytes);
            case F32, F16, BF16, I32 -> throw new IllegalStateException(type + " has no blocks");
        }
    }

    /** The block's elements by the formula above. @param out [at, at + block elements) is written */
    public void dequantise(float[] out, int at) {
        for (int g = 0; g < groups(); g++) {
            float scale = d * scales[g];
            float min = dmin * mins[g];
            for (int i = g * groupElements; i < (g + 1) * groupElements; i++) out[at + i] = scale * quants[i] - min;
        }
    }

    static float f16(byte[] bytes, int at) {
        return Float.float16ToFloat((short) (bytes[at] & 0xff | bytes[at + 1] << 8));
    }

    static void putF16(byte[] bytes, int at, float value) {
        short bits = Float.floatToFloat16(value);
        bytes[at] = (byte) bits;
        bytes[at + 1] = (byte) (bits >> 8);
    }
}
