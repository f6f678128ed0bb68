package dev.skald.compute.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * eˣ in f32, within 2 units in the last place. The same rounded steps in a lane and in a scalar, so that a tail agrees bitwise with the
 * lanes and a compiled call with an interpreted one. Below {@link #UNDERFLOW} (−∞ too) it is exactly 0, above {@link #OVERFLOW} it is ∞,
 * NaN stays NaN.
 */
final class Exp {
    /** Below this, 2ⁿ⁻¹ in the last step would be subnormal; eˣ is 1.8e-38 here. */
    static final float UNDERFLOW = -86.9f;

    /** Above this, eˣ exceeds f32. */
    static final float OVERFLOW = 88.72283f;

    private static final float LOG2_E = 1.44269504f;
    /** ln 2 in two parts: the upper one has few bits, so that n · upper is exact. */
    private static final float LN2_UPPER = 0.693359375f;
    private static final float LN2_LOWER = -2.12194440e-4f;
    /** 1.5 · 2²³: adding it rounds to an integer, which then stands in the low bits of the sum. */
    private static final float ROUNDING = 12582912f;

    // Minimax polynomial of (eʳ − 1 − r) / r² on |r| ≤ ln 2 / 2, from the highest power down.
    private static final float C5 = 1.9875691500e-4f;
    private static final float C4 = 1.3981999507e-3f;
    private static final float C3 = 8.3334519073e-3f;
    private static final float C2 = 4.1665795894e-2f;
    private static final float C1 = 1.6666665459e-1f;
    private static final float C0 = 5.0000001201e-1f;

    private Exp() {}

    static FloatVector exp(FloatVector x) {
        FloatVector shifted = x.fma(FloatVector.broadcast(Lanes.FLOATS, LOG2_E), FloatVector.broadcast(Lanes.FLOATS, ROUNDING));
        FloatVector n = shifted.sub(ROUNDING);
        FloatVector r = n.fma(FloatVector.broadcast(Lanes.FLOATS, -LN2_UPPER), x);
        r = n.fma(FloatVector.broadcast(Lanes.FLOATS, -LN2_LOWER), r);
        FloatVector p = FloatVector.broadcast(Lanes.FLOATS, C5);
        p = p.fma(r, FloatVector.broadcast(Lanes.FLOATS, C4));
        p = p.fma(r, FloatVector.broadcast(Lanes.FLOATS, C3));
        p = p.fma(r, FloatVector.broadcast(Lanes.FLOATS, C2));
        p = p.fma(r, FloatVector.broadcast(Lanes.FLOATS, C1));
        p = p.fma(r, FloatVector.broadcast(Lanes.FLOATS, C0));
        p = p.fma(r.mul(r), r).add(1f);
        // 2p · 2ⁿ⁻¹, since 2¹²⁸ has no f32.
        IntVector power = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
        IntVector half = IntVector.broadcast(Lanes.INTS, 0x3F000000);
        FloatVector y = p.add(p).mul(power.add(half).reinterpretAsFloats());
        y = y.blend(0f, x.lt(UNDERFLOW));
        return y.blend(Float.POSITIVE_INFINITY, x.compare(VectorOperators.GT, OVERFLOW));
    }

    /** The same value as a lane of {@link #exp(FloatVector)}. */
    static float exp(float x) {
        if (x < UNDERFLOW) return 0f;
        if (x > OVERFLOW) return Float.POSITIVE_INFINITY;
        float shifted = Math.fma(x, LOG2_E, ROUNDING);
        float n = shifted - ROUNDING;
        float r = Math.fma(n, -LN2_UPPER, x);
        r = Math.fma(n, -LN2_LOWER, r);
        float p = C5;
        p = Math.fma(p, r, C4);
        p = Math.fma(p, r, C3);
        p = Math.fma(p, r, C2);
        p = Math.fma(p, r, C1);
        p = Math.fma(p, r, C0);
        p = Math.fma(p, r * r, r) + 1f;
        return (p + p) * Float.intBitsToFloat((Float.floatToRawIntBits(shifted) << 23) + 0x3F000000);
    }
}
