package dev.skald.compute.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.tensor.DType;
import dev.skald.tensor.Elements;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What all kernels are made of: reductions, exp, 16-bit floats. */
class LanesTest {
    private static final long SEED = 42;

    @Test
    void expIsWithinTwoUnitsAndTheSameInALaneAndInAScalar() {
        Random random = new Random(SEED);
        float[] x = new float[Lanes.padded(40_000)];
        for (int i = 0; i < x.length; i++) x[i] = random.nextFloat(Exp.UNDERFLOW, Exp.OVERFLOW);
        for (int i = 0; i < x.length; i += 2) x[i] = (float) random.nextGaussian();
        float[] y = exp(x);
        for (int i = 0; i < x.length; i++) {
            double expected = StrictMath.exp(x[i]);
            assertEquals(expected, y[i], 2 * Math.ulp((float) expected), "exp " + x[i]);
            assertEquals(Float.floatToRawIntBits(y[i]), Float.floatToRawIntBits(Exp.exp(x[i])), "a lane and a scalar differ at " + x[i]);
        }
    }

    @Test
    void expAtItsEdges() {
        float below = Math.nextDown(Exp.UNDERFLOW);
        float above = Math.nextUp(Exp.OVERFLOW);
        float[] x = {0, -0f, below, -1e30f, Float.NEGATIVE_INFINITY, above, 1e30f, Float.POSITIVE_INFINITY, Float.NaN, Exp.UNDERFLOW, Exp.OVERFLOW, 1};
        float infinity = Float.POSITIVE_INFINITY;
        float[] expected = {1, 1, 0, 0, 0, infinity, infinity, infinity, Float.NaN, (float) Math.exp(Exp.UNDERFLOW), (float) Math.exp(Exp.OVERFLOW), (float) Math.E};
        float[] y = exp(Arrays.copyOf(x, Lanes.padded(x.length)));
        for (int i = 0; i < x.length; i++) {
            assertTrue(close(expected[i], y[i]), "lane of " + x[i] + ": " + y[i]);
            assertTrue(close(expected[i], Exp.exp(x[i])), "scalar of " + x[i] + ": " + Exp.exp(x[i]));
        }
    }

    private static boolean close(float expected, float actual) {
        return Float.compare(expected, actual) == 0 || Math.abs(expected - actual) <= Math.abs(expected) * 1e-4f;
    }

    private static float[] exp(float[] x) {
        float[] y = new float[x.length];
        for (int i = 0; i < x.length; i += Lanes.LENGTH) Exp.exp(FloatVector.fromArray(Lanes.FLOATS, x, i)).intoArray(y, i);
        return y;
    }

    @Test
    void sumAddsHalvesToHalves() {
        Random random = new Random(SEED);
        for (int round = 0; round < 500; round++) {
            float[] v = new float[Lanes.LENGTH];
            for (int i = 0; i < v.length; i++) v[i] = (float) random.nextGaussian() * (1 << random.nextInt(20));
            FloatVector vector = FloatVector.fromArray(Lanes.FLOATS, v, 0);
            float greatest = Float.NEGATIVE_INFINITY;
            for (float value : v) greatest = Math.max(greatest, value);
            assertEquals(greatest, Lanes.max(vector));
            for (int half = v.length / 2; half > 0; half /= 2) for (int i = 0; i < half; i++) v[i] += v[i + half];
            assertEquals(v[0], Lanes.sum(vector), "seed " + SEED + ", round " + round);
        }
    }

    @Test
    void everyF16AndBf16WidensExactly() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment all = arena.allocate(2 << 16, 64);
            for (int i = 0; i < 1 << 16; i++) all.set(ValueLayout.JAVA_SHORT, 2L * i, (short) i);
            float[] wide = new float[1 << 16];
            for (DType type : new DType[] {DType.F16, DType.BF16}) {
                Halves.widen(type, all.address(), wide, 0, wide.length);
                for (int i = 0; i < wide.length; i++) {
                    float expected = Elements.get(type, all, i);
                    assertEquals(Float.floatToIntBits(expected), Float.floatToIntBits(wide[i]), type + " " + Integer.toHexString(i));
                }
            }
        }
    }

    /** The weights' way of widening two at a time, which is for finite values. */
    @Test
    void everyFiniteF16WidensExactlyInBothHalvesOfALane() {
        float[] even = new float[Lanes.LENGTH];
        float[] odd = new float[Lanes.LENGTH];
        int[] pairs = new int[Lanes.LENGTH];
        for (int i = 0; i < 1 << 16; i += Lanes.LENGTH) {
            for (int lane = 0; lane < Lanes.LENGTH; lane++) pairs[lane] = i + lane | ~(i + lane) << 16;
            IntVector vector = IntVector.fromArray(Lanes.INTS, pairs, 0);
            Halves.evenF16(vector, Halves.f16Bits(), Halves.f16Scale()).intoArray(even, 0);
            Halves.oddF16(vector, Halves.f16Bits(), Halves.f16Scale()).intoArray(odd, 0);
            for (int lane = 0; lane < Lanes.LENGTH; lane++) {
                same((short) pairs[lane], even[lane]);
                same((short) (pairs[lane] >>> 16), odd[lane]);
            }
        }
    }

    private static void same(short bits, float widened) {
        float expected = Float.float16ToFloat(bits);
        if (Float.isFinite(expected)) assertEquals(Float.floatToRawIntBits(expected), Float.floatToRawIntBits(widened));
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"F32", "F16", "BF16"})
    void narrowingAndWideningKeepTheirDistanceAndTheirTails(DType type) {
        try (Arena arena = Arena.ofConfined()) {
            for (int count : new int[] {1, 13, 16, 64, 207}) {
                MemorySegment from = arena.allocate(4L * count, 4);
                for (int i = 0; i < count; i++) from.set(ValueLayout.JAVA_FLOAT, 4L * i, i * 0.37f - 11);
                long stride = 3L * type.bytes();
                MemorySegment apart = arena.allocate(stride * count, 4);
                Halves.narrow(type, from.address(), count, apart.address(), stride);
                MemorySegment dense = arena.allocate(type.bytes((long) count), 4);
                Halves.narrow(type, from.address(), count, dense.address(), type.bytes());
                float[] wide = new float[count + 2];
                Halves.widen(type, dense.address(), wide, 1, count);
                for (int i = 0; i < count; i++) {
                    float expected = Elements.round(type, i * 0.37f - 11);
                    assertEquals(expected, Elements.get(type, apart, 3L * i));
                    assertEquals(expected, wide[1 + i]);
                }
                assertTrue(wide[0] == 0 && wide[count + 1] == 0, "wrote beyond " + count);
            }
        }
    }
}
