package dev.skald.quantize;

/**
 * The loops that quantisation spends its time in. A lane is a group of elements that share a scale; each call handles one element of every
 * lane. The compiler turns these loops into vector code as long as each stands alone, in a method that does nothing else, over whole arrays
 * indexed by the loop variable only: aliasing can't be excluded otherwise. So arrays aren't sliced, and the shape is to be kept.
 *
 * <p>Sums of a lane are made in the order of its elements, by plain multiplications and additions: the same bits on every machine.
 */
final class LaneLoops {
    /** Adding and taking away 1.5 · 2²³ rounds a float below 2²² to a whole number, half to even. */
    private static final float ROUND = 12_582_912f;

    private LaneLoops() {}

    static void range(float[] x, float[] least, float[] greatest) {
        for (int l = 0; l < x.length; l++) {
            least[l] = Math.min(least[l], x[l]);
            greatest[l] = Math.max(greatest[l], x[l]);
        }
    }

    static void multiply(float[] x, float factor, float[] out) {
        for (int l = 0; l < x.length; l++) out[l] = x[l] * factor;
    }

    static void multiply(float[] x, float[] y, float[] out) {
        for (int l = 0; l < x.length; l++) out[l] = x[l] * y[l];
    }

    static void divide(float[] x, float[] y, float[] out) {
        for (int l = 0; l < x.length; l++) out[l] = x[l] / y[l];
    }

    static void addTo(float[] sum, float[] x) {
        for (int l = 0; l < x.length; l++) sum[l] = sum[l] + x[l];
    }

    static void addSquaresTo(float[] sum, float[] x) {
        for (int l = 0; l < x.length; l++) sum[l] = sum[l] + x[l] * x[l];
    }

    /** q = x · inverse, rounded into [low, high]. */
    static void quants(float[] x, float[] inverse, float low, float high, float[] q) {
        for (int l = 0; l < x.length; l++) q[l] = Math.max(Math.min((x[l] * inverse[l] + ROUND) - ROUND, high), low);
    }

    /** q = (x − offset) · inverse, rounded into [0, high]. */
    static void quants(float[] x, float[] inverse, float[] offset, float high, float[] q) {
        for (int l = 0; l < x.length; l++) q[l] = Math.max(Math.min(((x[l] - offset[l]) * inverse[l] + ROUND) - ROUND, high), 0);
    }

    /** Adds x q and q², with q = x · inverse, rounded into [low, high]. */
    static void products(float[] x, float[] inverse, float low, float high, float[] xq, float[] qq) {
        for (int l = 0; l < x.length; l++) {
            float v = x[l];
            float q = Math.max(Math.min((v * inverse[l] + ROUND) - ROUND, high), low);
            xq[l] = xq[l] + v * q;
            qq[l] = qq[l] + q * q;
        }
    }

    /** Adds q, q² and x q, with q = (x − offset) · inverse, rounded into [0, high]. */
    static void products(float[] x, float[] inverse, float[] offset, float high, float[] q1, float[] qq, float[] xq) {
        for (int l = 0; l < x.length; l++) {
            float v = x[l];
            float q = Math.max(Math.min(((v - offset[l]) * inverse[l] + ROUND) - ROUND, high), 0);
            q1[l] = q1[l] + q;
            qq[l] = qq[l] + q * q;
            xq[l] = xq[l] + v * q;
        }
    }
}
