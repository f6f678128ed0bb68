package dev.skald.compute.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Products of a weight of type F16, laid out as {@link Panels} says, with 1, 2, 4 or 6 interleaved activation rows. Each output element is one
 * chain of fused multiply-adds in ascending k, beginning with 0, in each of these methods: so it doesn't depend on the number of rows.
 *
 * <p>All take: {@code w…} addresses of the weight's vectors for the wanted outputs; {@code steps} number of pairs of k; {@code a} activations
 * [k, rows], interleaved, from {@code at} on; {@code tile} out [rows, outputs], vector after vector.
 */
final class LinearF16 {
    /** From one pair of k to the next: a lane of 4 bytes for each row of a panel. */
    private static final long STEP_BYTES = 4 * Panels.PANEL_ROWS;

    private LinearF16() {}

    static void rows6(long w0, long w1, int steps, float[] a, int at, float[] tile) {
        IntVector bits = Halves.f16Bits();
        FloatVector scale = Halves.f16Scale();
        FloatVector zero = FloatVector.zero(Lanes.FLOATS);
        FloatVector c00 = zero, c01 = zero;
        FloatVector c10 = zero, c11 = zero;
        FloatVector c20 = zero, c21 = zero;
        FloatVector c30 = zero, c31 = zero;
        FloatVector c40 = zero, c41 = zero;
        FloatVector c50 = zero, c51 = zero;
        for (int s = 0, i = at; s < steps; s++, i += 12) {
            long k = STEP_BYTES * s;
            IntVector p0 = Lanes.loadInts(w0 + k);
            IntVector p1 = Lanes.loadInts(w1 + k);
            FloatVector v0 = Halves.evenF16(p0, bits, scale);
            FloatVector v1 = Halves.evenF16(p1, bits, scale);
            FloatVector a0 = FloatVector.broadcast(Lanes.FLOATS, a[i]);
            c00 = v0.fma(a0, c00);
            c01 = v1.fma(a0, c01);
            FloatVector a1 = FloatVector.broadcast(Lanes.FLOATS, a[i + 1]);
            c10 = v0.fma(a1, c10);
            c11 = v1.fma(a1, c11);
            FloatVector a2 = FloatVector.broadcast(Lanes.FLOATS, a[i + 2]);
            c20 = v0.fma(a2, c20);
            c21 = v1.fma(a2, c21);
            FloatVector a3 = FloatVector.broadcast(Lanes.FLOATS, a[i + 3]);
            c30 = v0.fma(a3, c30);
            c31 = v1.fma(a3, c31);
            FloatVector a4 = FloatVector.broadcast(Lanes.FLOATS, a[i + 4]);
            c40 = v0.fma(a4, c40);
            c41 = v1.fma(a4, c41);
            FloatVector a5 = FloatVector.broadcast(Lanes.FLOATS, a[i + 5]);
            c50 = v0.fma(a5, c50);
            c51 = v1.fma(a5, c51);
            v0 = Halves.oddF16(p0, bits, scale);
            v1 = Halves.oddF16(p1, bits, scale);
            a0 = FloatVector.broadcast(Lanes.FLOATS, a[i + 6]);
            c00 = v0.fma(a0, c00);
            c01 = v1.fma(a0, c01);
            a1 = FloatVector.broadcast(Lanes.FLOATS, a[i + 7]);
            c10 = v0.fma(a1, c10);
            c11 = v1.fma(a1, c11);
            a2 = FloatVector.broadcast(Lanes.FLOATS, a[i + 8]);
            c20 = v0.fma(a2, c20);
            c21 = v1.fma(a2, c21);
            a3 = FloatVector.broadcast(Lanes.FLOATS, a[i + 9]);
            c30 = v0.fma(a3, c30);
            c31 = v1.fma(a3, c31);
            a4 = FloatVector.broadcast(Lanes.FLOATS, a[i + 10]);
            c40 = v0.fma(a4, c40);
            c41 = v1.fma(a4, c41);
            a5 = FloatVector.broadcast(Lanes.FLOATS, a[i + 11]);
            c50 = v0.fma(a5, c50);
            c51 = v1.fma(a5, c51);
        }
        c00.intoArray(tile, 0);
        c01.intoArray(tile, Lanes.LENGTH);
        c10.intoArray(tile, 2 * Lanes.LENGTH);
        c11.intoArray(tile, 3 * Lanes.LENGTH);
        c20.intoArray(tile, 4 * Lanes.LENGTH);
        c21.intoArray(tile, 5 * Lanes.LENGTH);
        c30.intoArray(tile, 6 * Lanes.LENGTH);
        c31.intoArray(tile, 7 * Lanes.LENGTH);
        c40.intoArray(tile, 8 * Lanes.LENGTH);
        c41.intoArray(tile, 9 * Lanes.LENGTH);
        c50.intoArray(tile, 10 * Lanes.LENGTH);
        c51.intoArray(tile, 11 * Lanes.LENGTH);
    }

    static void rows4(long w0, long w1, int steps, float[] a, int at, float[] tile) {
        IntVector bits = Halves.f16Bits();
        FloatVector scale = Halves.f16Scale();
        FloatVector zero = FloatVector.zero(Lanes.FLOATS);
        FloatVector c00 = zero, c01 = zero;
        FloatVector c10 = zero, c11 = zero;
        FloatVector c20 = zero, c21 = zero;
        FloatVector c30 = zero, c31 = zero;
        for (int s = 0, i = at; s < steps; s++, i += 8) {
            long k = STEP_BYTES * s;
            IntVector p0 = Lanes.loadInts(w0 + k);
            IntVector p1 = Lanes.loadInts(w1 + k);
            FloatVector v0 = Halves.evenF16(p0, bits, scale);
            FloatVector v1 = Halves.evenF16(p1, bits, scale);
            FloatVector a0 = FloatVector.broadcast(Lanes.FLOATS, a[i]);
            c00 = v0.fma(a0, c00);
            c01 = v1.fma(a0, c01);
            FloatVector a1 = FloatVector.broadcast(Lanes.FLOATS, a[i + 1]);
            c10 = v0.fma(a1, c10);
            c11 = v1.fma(a1, c11);
            FloatVector a2 = FloatVector.broadcast(Lanes.FLOATS, a[i + 2]);
            c20 = v0.fma(a2, c20);
            c21 = v1.fma(a2, c21);
            FloatVector a3 = FloatVector.broadcast(Lanes.FLOATS, a[i + 3]);
            c30 = v0.fma(a3, c30);
            c31 = v1.fma(a3, c31);
            v0 = Halves.oddF16(p0, bits, scale);
            v1 = Halves.oddF16(p1, bits, scale);
            a0 = FloatVector.broadcast(Lanes.FLOATS, a[i + 4]);
            c00 = v0.fma(a0, c00);
            c01 = v1.fma(a0, c01);
            a1 = FloatVector.broadcast(Lanes.FLOATS, a[i + 5]);
            c10 = v0.fma(a1, c10);
            c11 = v1.fma(a1, c11);
            a2 = FloatVector.broadcast(Lanes.FLOATS, a[i + 6]);
            c20 = v0.fma(a2, c20);
            c21 = v1.fma(a2, c21);
            a3 = FloatVector.broadcast(Lanes.FLOATS, a[i + 7]);
            c30 = v0.fma(a3, c30);
            c31 = v1.fma(a3, c31);
        }
        c00.intoArray(tile, 0);
        c01.intoArray(tile, Lanes.LENGTH);
        c10.intoArray(tile, 2 * Lanes.LENGTH);
        c11.intoArray(tile, 3 * Lanes.LENGTH);
        c20.intoArray(tile, 4 * Lanes.LENGTH);
        c21.intoArray(tile, 5 * Lanes.LENGTH);
        c30.intoArray(tile, 6 * Lanes.LENGTH);
        c31.intoArray(tile, 7 * Lanes.LENGTH);
    }

    static void rows2(long w0, long w1, int steps, float[] a, int at, float[] tile) {
        IntVector bits = Halves.f16Bits();
        FloatVector scale = Halves.f16Scale();
        FloatVector zero = FloatVector.zero(Lanes.FLOATS);
        FloatVector c00 = zero, c01 = zero;
        FloatVector c10 = zero, c11 = zero;
        for (int s = 0, i = at; s < steps; s++, i += 4) {
            long k = STEP_BYTES * s;
            IntVector p0 = Lanes.loadInts(w0 + k);
            IntVector p1 = Lanes.loadInts(w1 + k);
            FloatVector v0 = Halves.evenF16(p0, bits, scale);
            FloatVector v1 = Halves.evenF16(p1, bits, scale);
            FloatVector a0 = FloatVector.broadcast(Lanes.FLOATS, a[i]);
            c00 = v0.fma(a0, c00);
            c01 = v1.fma(a0, c01);
            FloatVector a1 = FloatVector.broadcast(Lanes.FLOATS, a[i + 1]);
            c10 = v0.fma(a1, c10);
            c11 = v1.fma(a1, c11);
            v0 = Halves.oddF16(p0, bits, scale);
            v1 = Halves.oddF16(p1, bits, scale);
            a0 = FloatVector.broadcast(Lanes.FLOATS, a[i + 2]);
            c00 = v0.fma(a0, c00);
            c01 = v1.fma(a0, c01);
            a1 = FloatVector.broadcast(Lanes.FLOATS, a[i + 3]);
            c10 = v0.fma(a1, c10);
            c11 = v1.fma(a1, c11);
        }
        c00.intoArray(tile, 0);
        c01.intoArray(tile, Lanes.LENGTH);
        c10.intoArray(tile, 2 * Lanes.LENGTH);
        c11.intoArray(tile, 3 * Lanes.LENGTH);
    }

    static void row1(long w0, long w1, int steps, float[] a, int at, float[] tile) {
        IntVector bits = Halves.f16Bits();
        FloatVector scale = Halves.f16Scale();
        FloatVector zero = FloatVector.zero(Lanes.FLOATS);
        FloatVector c00 = zero, c01 = zero;
        for (int s = 0, i = at; s < steps; s++, i += 2) {
            long k = STEP_BYTES * s;
            IntVector p0 = Lanes.loadInts(w0 + k);
            IntVector p1 = Lanes.loadInts(w1 + k);
            FloatVector v0 = Halves.evenF16(p0, bits, scale);
            FloatVector v1 = Halves.evenF16(p1, bits, scale);
            FloatVector a0 = FloatVector.broadcast(Lanes.FLOATS, a[i]);
            c00 = v0.fma(a0, c00);
            c01 = v1.fma(a0, c01);
            v0 = Halves.oddF16(p0, bits, scale);
            v1 = Halves.oddF16(p1, bits, scale);
            a0 = FloatVector.broadcast(Lanes.FLOATS, a[i + 1]);
            c00 = v0.fma(a0, c00);
            c01 = v1.fma(a0, c01);
        }
        c00.intoArray(tile, 0);
        c01.intoArray(tile, Lanes.LENGTH);
    }

    static void row1Wide(long w0, long w1, long w2, long w3, int steps, float[] a, int at, float[] tile) {
        IntVector bits = Halves.f16Bits();
        FloatVector scale = Halves.f16Scale();
        FloatVector zero = FloatVector.zero(Lanes.FLOATS);
        FloatVector c00 = zero, c01 = zero, c02 = zero, c03 = zero;
        for (int s = 0, i = at; s < steps; s++, i += 2) {
            long k = STEP_BYTES * s;
            IntVector p0 = Lanes.loadInts(w0 + k);
            IntVector p1 = Lanes.loadInts(w1 + k);
            IntVector p2 = Lanes.loadInts(w2 + k);
            IntVector p3 = Lanes.loadInts(w3 + k);
            FloatVector v0 = Halves.evenF16(p0, bits, scale);
            FloatVector v1 = Halves.evenF16(p1, bits, scale);
            FloatVector v2 = Halves.evenF16(p2, bits, scale);
            FloatVector v3 = Halves.evenF16(p3, bits, scale);
            FloatVector a0 = FloatVector.broadcast(Lanes.FLOATS, a[i]);
            c00 = v0.fma(a0, c00);
            c01 = v1.fma(a0, c01);
            c02 = v2.fma(a0, c02);
            c03 = v3.fma(a0, c03);
            v0 = Halves.oddF16(p0, bits, scale);
            v1 = Halves.oddF16(p1, bits, scale);
            v2 = Halves.oddF16(p2, bits, scale);
            v3 = Halves.oddF16(p3, bits, scale);
            a0 = FloatVector.broadcast(Lanes.FLOATS, a[i + 1]);
            c00 = v0.fma(a0, c00);
            c01 = v1.fma(a0, c01);
            c02 = v2.fma(a0, c02);
            c03 = v3.fma(a0, c03);
        }
        c00.intoArray(tile, 0);
        c01.intoArray(tile, Lanes.LENGTH);
        c02.intoArray(tile, 2 * Lanes.LENGTH);
        c03.intoArray(tile, 3 * Lanes.LENGTH);
    }
}
