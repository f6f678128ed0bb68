package dev.skald.compute.cpu;

import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vectors that all kernels of this JVM use, and the few ways they meet memory. Species are {@code static final}: passed as arguments
 * they would cost an order of magnitude. Reductions are a fixed tree of shuffles, since {@code reduceLanes} changes its order of summation
 * when it is compiled.
 */
final class Lanes {
    /** System property with the vector width in bits: 128, 256 or 512. Unset: what the processor prefers. */
    static final String WIDTH_PROPERTY = "skald.vector.bits";

    static final VectorSpecies<Float> FLOATS = VectorSpecies.of(float.class, shape(System.getProperty(WIDTH_PROPERTY, "")));
    static final VectorSpecies<Integer> INTS = FLOATS.withLanes(int.class);
    /** As many lanes as {@link #FLOATS}, in half the width. */
    static final VectorSpecies<Short> SHORTS =
            VectorSpecies.of(short.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));
    static final int LENGTH = FLOATS.length();
    /** As many lanes as {@link #FLOATS}, but 8 at least, since there are no narrower vectors. */
    static final VectorSpecies<Byte> BYTES = LENGTH == 16 ? ByteVector.SPECIES_128 : ByteVector.SPECIES_64;

    private static final ByteOrder ORDER = ByteOrder.nativeOrder();
    private static final VectorShuffle<Float> BY_8 = rotation(8);
    private static final VectorShuffle<Float> BY_4 = rotation(4);
    private static final VectorShuffle<Float> BY_2 = rotation(2);
    private static final VectorShuffle<Float> BY_1 = rotation(1);

    private Lanes() {}

    static FloatVector load(long address) {
        return FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, address, ORDER);
    }

    static IntVector loadInts(long address) {
        return IntVector.fromMemorySegment(INTS, RawMemory.ALL, address, ORDER);
    }

    /** 16-bit integers, zero-extended to a lane each. */
    static IntVector loadShorts(long address) {
        return (IntVector) ShortVector.fromMemorySegment(SHORTS, RawMemory.ALL, address, ORDER)
                .convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0);
    }

    /** Signed bytes, as f32. With 4 lanes, 4 bytes behind them are read too. */
    static FloatVector loadBytes(long address) {
        return (FloatVector) ByteVector.fromMemorySegment(BYTES, RawMemory.ALL, address, ORDER).convertShape(VectorOperators.B2F, FLOATS, 0);
    }

    static void store(FloatVector v, long address) {
        v.intoMemorySegment(RawMemory.ALL, address, ORDER);
    }

    /** The largest multiple of the vector length that is not above n. */
    static int whole(int n) {
        return n & -LENGTH;
    }

    /** The smallest multiple of the vector length that is not below n. */
    static int padded(int n) {
        return n + LENGTH - 1 & -LENGTH;
    }

    /** Sum of all lanes: halves added to halves, down to one. */
    static float sum(FloatVector v) {
        if (LENGTH >= 16) v = v.add(v.rearrange(BY_8));
        if (LENGTH >= 8) v = v.add(v.rearrange(BY_4));
        v = v.add(v.rearrange(BY_2));
        return v.add(v.rearrange(BY_1)).lane(0);
    }

    /** Largest lane; NaN if one is. */
    static float max(FloatVector v) {
        if (LENGTH >= 16) v = v.max(v.rearrange(BY_8));
        if (LENGTH >= 8) v = v.max(v.rearrange(BY_4));
        v = v.max(v.rearrange(BY_2));
        return v.max(v.rearrange(BY_1)).lane(0);
    }

    private static VectorShape shape(String bits) {
        VectorSpecies<Float> preferred = FloatVector.SPECIES_PREFERRED;
        if (bits.isEmpty()) return VectorShape.forBitSize(Math.clamp(preferred.vectorBitSize(), 128, 512));
        if (!bits.matches("128|256|512")) throw new IllegalArgumentException(WIDTH_PROPERTY + "=" + bits + " is not 128, 256 or 512");
        return VectorShape.forBitSize(Integer.parseInt(bits));
    }

    private static VectorShuffle<Float> rotation(int by) {
        return VectorShuffle.iota(FLOATS, by % LENGTH, 1, true);
    }
}
