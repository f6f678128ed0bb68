package dev.skald.compute.cpu;

import jdk.incubator.vector.FloatVector;

/**
 * What happens to one row alone. Additions, products and fused ones round alike in a lane and in a scalar, so tails that don't fill a vector
 * are scalar and agree with it.
 */
final class VectorRows {
    private VectorRows() {}

    /** x += delta. @param x address of [n] f32 @param delta address of [n] f32 */
    static void add(long x, long delta, int n) {
        int whole = Lanes.whole(n);
        for (int i = 0; i < whole; i += Lanes.LENGTH) Lanes.store(Lanes.load(x + 4L * i).add(Lanes.load(delta + 4L * i)), x + 4L * i);
        for (int i = whole; i < n; i++) RawMemory.storeFloat(RawMemory.loadFloat(x + 4L * i) + RawMemory.loadFloat(delta + 4L * i), x + 4L * i);
    }

    /** out = x / √(mean(x²) + eps) · weight. Addresses of [n] f32. */
    static void norm(long x, long weight, float eps, long out, int n) {
        float scale = (float) (1 / Math.sqrt((double) squares(x, n) / n + eps));
        int whole = Lanes.whole(n);
        for (int i = 0; i < whole; i += Lanes.LENGTH) {
            Lanes.store(Lanes.load(x + 4L * i).mul(scale).mul(Lanes.load(weight + 4L * i)), out + 4L * i);
        }
        for (int i = whole; i < n; i++) RawMemory.storeFloat(RawMemory.loadFloat(x + 4L * i) * scale * RawMemory.loadFloat(weight + 4L * i), out + 4L * i);
    }

    /** Σ x²: a chain per lane of four vectors, these four in pairs, the lanes in halves, the tail last. */
    private static float squares(long x, int n) {
        FloatVector c0 = FloatVector.zero(Lanes.FLOATS);
        FloatVector c1 = c0;
        FloatVector c2 = c0;
        FloatVector c3 = c0;
        int i = 0;
        for (; i + 4 * Lanes.LENGTH <= n; i += 4 * Lanes.LENGTH) {
            FloatVector x0 = Lanes.load(x + 4L * i);
            c0 = x0.fma(x0, c0);
            FloatVector x1 = Lanes.load(x + 4L * (i + Lanes.LENGTH));
            c1 = x1.fma(x1, c1);
            FloatVector x2 = Lanes.load(x + 4L * (i + 2 * Lanes.LENGTH));
            c2 = x2.fma(x2, c2);
            FloatVector x3 = Lanes.load(x + 4L * (i + 3 * Lanes.LENGTH));
            c3 = x3.fma(x3, c3);
        }
        for (; i + Lanes.LENGTH <= n; i += Lanes.LENGTH) {
            FloatVector x0 = Lanes.load(x + 4L * i);
            c0 = x0.fma(x0, c0);
        }
        float tail = 0;
        for (; i < n; i++) tail = Math.fma(RawMemory.loadFloat(x + 4L * i), RawMemory.loadFloat(x + 4L * i), tail);
        return Lanes.sum(c0.add(c1).add(c2.add(c3))) + tail;
    }

    /** out = gate · sigmoid(gate) · up. Addresses of [n] f32. */
    static void silu(long gate, long up, long out, int n) {
        int whole = Lanes.whole(n);
        for (int i = 0; i < whole; i += Lanes.LENGTH) {
            FloatVector g = Lanes.load(gate + 4L * i);
            Lanes.store(g.div(Exp.exp(g.neg()).add(1f)).mul(Lanes.load(up + 4L * i)), out + 4L * i);
        }
        for (int i = whole; i < n; i++) {
            float g = RawMemory.loadFloat(gate + 4L * i);
            RawMemory.storeFloat(g / (Exp.exp(-g) + 1f) * RawMemory.loadFloat(up + 4L * i), out + 4L * i);
        }
    }

    /**
     * Turns pairs (i, i + headDim/2).
     *
     * @param x      address of [headDim] f32
     * @param angles address of cosines [headDim/2], then sines [headDim/2]
     * @param out    address of [headDim] f32; may be x
     */
    static void rotate(long x, long angles, long out, int headDim) {
        int half = headDim / 2;
        long apart = 4L * half;
        int whole = Lanes.whole(half);
        for (int i = 0; i < whole; i += Lanes.LENGTH) {
            long at = 4L * i;
            FloatVector a = Lanes.load(x + at);
            FloatVector b = Lanes.load(x + apart + at);
            FloatVector cos = Lanes.load(angles + at);
            FloatVector sin = Lanes.load(angles + apart + at);
            Lanes.store(a.fma(cos, b.mul(sin).neg()), out + at);
            Lanes.store(b.fma(cos, a.mul(sin)), out + apart + at);
        }
        for (int i = whole; i < half; i++) {
            long at = 4L * i;
            float a = RawMemory.loadFloat(x + at);
            float b = RawMemory.loadFloat(x + apart + at);
            float cos = RawMemory.loadFloat(angles + at);
            float sin = RawMemory.loadFloat(angles + apart + at);
            RawMemory.storeFloat(Math.fma(a, cos, -(b * sin)), out + at);
            RawMemory.storeFloat(Math.fma(b, cos, a * sin), out + apart + at);
        }
    }
}
