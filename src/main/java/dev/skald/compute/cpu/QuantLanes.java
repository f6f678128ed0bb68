package dev.skald.compute.cpu;

import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Integer products on vectors, as good as the Vector API lets one: it has no dot product of bytes. The four bytes of a lane become two 16-bit
 * pairs, the even ones (k, k + 2) and the odd ones (k + 1, k + 3), and meet activations in the same order. All of it is exact.
 */
final class QuantLanes {
    /** Two for each lane of {@link Lanes#INTS}. */
    static final VectorSpecies<Short> PAIRS = Lanes.FLOATS.withLanes(short.class);

    /**
     * Sixteen bytes, of which a vector of ints takes the first: there is no species narrower than 64 bits.
     */
    private static final VectorSpecies<Byte> BYTES = Lanes.LENGTH == 16 ? ByteVector.SPECIES_128 : ByteVector.SPECIES_64;

    private static final int EVEN_BYTES = 0x00FF00FF;
    private static final int EVEN_NIBBLES = 0x000F000F;
    private static final int F16_MAGNITUDE = 0x7FFF;
    private static final int F16_INFINITY = 0x7C00;
    private static final int F32_INFINITY = 0x7F800000;
    private static final float F16_SCALE = 0x1p112f;

    private QuantLanes() {}

    static ShortVector zero() {
        return ShortVector.zero(PAIRS);
    }

    /** Two 16-bit numbers to all lanes. */
    private static ShortVector pair(int both) {
        return IntVector.broadcast(Lanes.INTS, both).reinterpretAsShorts();
    }

    /** s + the products of one word. @param x activations: even pair at [at], odd pair after it */
    static ShortVector add(ShortVector s, ShortVector even, ShortVector odd, int[] x, int at) {
        return s.add(even.mul(pair(x[at]))).add(odd.mul(pair(x[at + 1])));
    }

    /** @param shift 0 and 8: low nibbles of the even and odd bytes; 4 and 12: high nibbles */
    static ShortVector nibbles(IntVector bytes, int shift) {
        return bytes.lanewise(VectorOperators.LSHR, shift).and(EVEN_NIBBLES).reinterpretAsShorts();
    }

    static ShortVector even(IntVector bytes) {
        return bytes.and(EVEN_BYTES).reinterpretAsShorts();
    }

    static ShortVector odd(IntVector bytes) {
        return bytes.lanewise(VectorOperators.LSHR, 8).and(EVEN_BYTES).reinterpretAsShorts();
    }

    /** The two numbers of each lane, added up. */
    static IntVector sum(ShortVector s) {
        IntVector both = s.reinterpretAsInts();
        return both.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16).add(both.lanewise(VectorOperators.ASHR, 16));
    }

    /** A byte to each lane. */
    static IntVector unsignedBytes(long address) {
        return signedBytes(address).and(0xFF);
    }

    /** A byte to each lane. */
    static IntVector signedBytes(long address) {
        return (IntVector) ByteVector.fromMemorySegment(BYTES, RawMemory.ALL, address, ByteOrder.nativeOrder()).convertShape(VectorOperators.B2I, Lanes.INTS, 0);
    }

    static FloatVector floats(IntVector v) {
        return (FloatVector) v.convert(VectorOperators.I2F, 0);
    }

    /** f16, widened exactly, infinities and NaN too. */
    static FloatVector halves(long address) {
        IntVector bits = Lanes.loadShorts(address);
        IntVector magnitude = bits.and(F16_MAGNITUDE);
        FloatVector finite = magnitude.lanewise(VectorOperators.LSHL, 13).reinterpretAsFloats().mul(F16_SCALE);
        IntVector sign = bits.lanewise(VectorOperators.LSHR, 15).lanewise(VectorOperators.LSHL, 31);
        IntVector wide = finite.reinterpretAsInts();
        wide = wide.blend(wide.or(F32_INFINITY), magnitude.compare(VectorOperators.GE, F16_INFINITY));
        return wide.or(sign).reinterpretAsFloats();
    }

    /** sum + float(products) · (scale · x), fused. */
    static FloatVector scaled(IntVector products, FloatVector scale, float x, FloatVector sum) {
        return floats(products).fma(scale.mul(x), sum);
    }
}
