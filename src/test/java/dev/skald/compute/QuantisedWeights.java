package dev.skald.compute;

import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Weights of quantised types made from raw bytes, so that every pattern of integers comes up; their f16 scales are chosen. */
public final class QuantisedWeights {
    public static final List<DType> TYPES = Arrays.stream(DType.values()).filter(DType::quantised).toList();

    private QuantisedWeights() {}

    /** Random integers, and scales of either sign around 1/100. */
    public static Tensor random(DType type, int rows, int cols, long seed) {
        Random random = new Random(seed);
        byte[] bytes = new byte[Math.toIntExact(type.bytes((long) rows * cols))];
        random.nextBytes(bytes);
        for (int at = 0; at < bytes.length; at += type.blockBytes()) {
            for (int field : scaleFields(type)) put(bytes, at + field, Float.floatToFloat16((float) random.nextGaussian() * 0.01f));
        }
        return tensor(type, rows, cols, bytes);
    }

    /** All bytes alike, all scales alike. @param scale f16 bits */
    public static Tensor filled(DType type, int rows, int cols, int fill, int scale) {
        byte[] bytes = new byte[Math.toIntExact(type.bytes((long) rows * cols))];
        Arrays.fill(bytes, (byte) fill);
        for (int at = 0; at < bytes.length; at += type.blockBytes()) {
            for (int field : scaleFields(type)) put(bytes, at + field, (short) scale);
        }
        return tensor(type, rows, cols, bytes);
    }

    /** At an odd address, as in a file. */
    private static Tensor tensor(DType type, int rows, int cols, byte[] bytes) {
        byte[] shifted = new byte[bytes.length + 1];
        System.arraycopy(bytes, 0, shifted, 1, bytes.length);
        return new Tensor(type.name(), type, Shape.of(rows, cols), MemorySegment.ofArray(shifted).asSlice(1));
    }

    /** Where in a block its f16 numbers stand. */
    private static int[] scaleFields(DType type) {
        return switch (type) {
            case Q4_0, Q5_0, Q8_0, IQ4_NL -> new int[] {0};
            case Q4_1, Q5_1, Q4_K, Q5_K -> new int[] {0, 2};
            case Q2_K -> new int[] {80, 82};
            case Q3_K -> new int[] {108};
            case Q6_K -> new int[] {208};
            case F32, F16, BF16, I32 -> throw new IllegalArgumentException(type.name());
        };
    }

    private static void put(byte[] bytes, int at, short half) {
        bytes[at] = (byte) half;
        bytes[at + 1] = (byte) (half >> 8);
    }
}
