package dev.skald.compute.cpu;

import dev.skald.tensor.DType;
import dev.skald.tensor.Elements;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * 16-bit floats and f32. A 32-bit lane holds either one 16-bit float in its low half, or two of them: the even one low, the odd one high.
 * Widening is exact. F16 is widened by moving exponent and mantissa to their places in an f32 and multiplying by 2¹¹², which also makes
 * subnormals right; only infinities and NaN need care.
 */
final class Halves {
    private static final float F16_SCALE = 0x1p112f;
    /** Sign, five bits of exponent and ten of mantissa of an F16, shifted to where f32 has them. */
    private static final int F16_BITS = 0x8FFFE000;

    private Halves() {}

    static FloatVector evenBf16(IntVector pair) {
        return pair.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
    }

    static FloatVector oddBf16(IntVector pair) {
        return pair.and(0xFFFF0000).reinterpretAsFloats();
    }

    /** For finite values only. @param bits {@link #f16Bits}, @param scale {@link #f16Scale}: made outside of loops, or C2 inlines too much in them */
    static FloatVector evenF16(IntVector pair, IntVector bits, FloatVector scale) {
        return oddF16(pair.lanewise(VectorOperators.LSHL, 16), bits, scale);
    }

    /** As {@link #evenF16}. */
    static FloatVector oddF16(IntVector pair, IntVector bits, FloatVector scale) {
        return pair.lanewise(VectorOperators.ASHR, 3).and(bits).reinterpretAsFloats().mul(scale);
    }

    static IntVector f16Bits() {
        return IntVector.broadcast(Lanes.INTS, F16_BITS);
    }

    static FloatVector f16Scale() {
        return FloatVector.broadcast(Lanes.FLOATS, F16_SCALE);
    }

    /** For any value. @param bits one F16 in the low half of each lane, zero in the high half */
    static FloatVector widenF16(IntVector bits) {
        VectorMask<Integer> special = bits.and(0x7C00).compare(VectorOperators.EQ, 0x7C00);
        IntVector wide = evenF16(bits, f16Bits(), f16Scale()).reinterpretAsInts();
        return wide.lanewise(VectorOperators.OR, 0x7F800000, special).reinterpretAsFloats();
    }

    /** {@code count} elements at an address, densely, to f32. */
    static void widen(DType type, long from, float[] to, int at, int count) {
        int whole = Lanes.whole(count);
        switch (type) {
            case F32 -> {
                for (int i = 0; i < whole; i += Lanes.LENGTH) Lanes.load(from + 4L * i).intoArray(to, at + i);
            }
            case BF16 -> {
                for (int i = 0; i < whole; i += Lanes.LENGTH) evenBf16(Lanes.loadShorts(from + 2L * i)).intoArray(to, at + i);
            }
            case F16 -> {
                for (int i = 0; i < whole; i += Lanes.LENGTH) widenF16(Lanes.loadShorts(from + 2L * i)).intoArray(to, at + i);
            }
            default -> throw new IllegalArgumentException("not a floating-point type: " + type);
        }
        for (int i = whole; i < count; i++) to[at + i] = read(type, from + (long) type.bytes() * i);
    }

    /** {@code count} elements at an address, densely, to f32 at another. */
    static void widen(DType type, long from, int count, long to) {
        switch (type) {
            case F32 -> {
                for (int i = 0; i < count; i++) RawMemory.storeFloat(RawMemory.loadFloat(from + 4L * i), to + 4L * i);
            }
            case F16 -> {
                for (int i = 0; i < count; i++) RawMemory.storeFloat(Float.float16ToFloat(RawMemory.loadShort(from + 2L * i)), to + 4L * i);
            }
            case BF16 -> {
                for (int i = 0; i < count; i++) RawMemory.storeFloat(Elements.bf16ToFloat(RawMemory.loadShort(from + 2L * i)), to + 4L * i);
            }
            default -> throw new IllegalArgumentException("not a floating-point type: " + type);
        }
    }

    /** One element as f32. */
    private static float read(DType type, long address) {
        return switch (type) {
            case F32 -> RawMemory.loadFloat(address);
            case F16 -> Float.float16ToFloat(RawMemory.loadShort(address));
            case BF16 -> Elements.bf16ToFloat(RawMemory.loadShort(address));
            default -> throw new IllegalArgumentException("not a floating-point type: " + type);
        };
    }

    /** {@code count} f32 at an address, densely, to elements {@code stride} bytes apart, rounded half to even. */
    static void narrow(DType type, long from, int count, long to, long stride) {
        switch (type) {
            case F32 -> {
                for (int i = 0; i < count; i++) RawMemory.storeFloat(RawMemory.loadFloat(from + 4L * i), to + i * stride);
            }
            case F16 -> {
                for (int i = 0; i < count; i++) RawMemory.storeShort(Float.floatToFloat16(RawMemory.loadFloat(from + 4L * i)), to + i * stride);
            }
            case BF16 -> {
                for (int i = 0; i < count; i++) RawMemory.storeShort(Elements.floatToBf16(RawMemory.loadFloat(from + 4L * i)), to + i * stride);
            }
            default -> throw new IllegalArgumentException("not a floating-point type: " + type);
        }
    }
}
