package dev.skald.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * How floating-point elements are written in memory: little-endian, at any alignment. Reading widens exactly; writing rounds to nearest,
 * ties to even. One element at a time: for loading and for the reference, not for kernels.
 */
public final class Elements {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Elements() {}

    /** @param index in elements, not bytes @throws IllegalArgumentException if {@code dtype} is not a floating-point type */
    public static float get(DType dtype, MemorySegment data, long index) {
        return switch (dtype) {
            case F32 -> data.get(FLOAT, 4 * index);
            case F16 -> Float.float16ToFloat(data.get(SHORT, 2 * index));
            case BF16 -> bf16ToFloat(data.get(SHORT, 2 * index));
            default -> throw notFloat(dtype);
        };
    }

    /** @param index in elements, not bytes @throws IllegalArgumentException if {@code dtype} is not a floating-point type */
    public static void set(DType dtype, MemorySegment data, long index, float value) {
        switch (dtype) {
            case F32 -> data.set(FLOAT, 4 * index, value);
            case F16 -> data.set(SHORT, 2 * index, Float.floatToFloat16(value));
            case BF16 -> data.set(SHORT, 2 * index, floatToBf16(value));
            default -> throw notFloat(dtype);
        }
    }

    /** The value that remains of {@code value} when it is stored as {@code dtype}. */
    public static float round(DType dtype, float value) {
        return switch (dtype) {
            case F32 -> value;
            case F16 -> Float.float16ToFloat(Float.floatToFloat16(value));
            case BF16 -> bf16ToFloat(floatToBf16(value));
            default -> throw notFloat(dtype);
        };
    }

    /** bfloat16 is the upper half of an f32. */
    public static float bf16ToFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    public static short floatToBf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) return (short) (bits >>> 16 | 0x40); // rounding could carry a NaN into an infinity
        return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
    }

    private static IllegalArgumentException notFloat(DType dtype) {
        return new IllegalArgumentException(dtype + " is not a floating-point type");
    }
}
