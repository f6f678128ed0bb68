package dev.skald.compute.reference;

import dev.skald.compute.Activation;

/** Operations that see nothing but one row. Sums run in ascending order, in double, and are rounded once. */
final class Rows {
    private Rows() {}

    /** out[o] = Σᵢ in[i] · weight[o, i] + bias[o]. @param in [weight.cols] @param bias [weight.rows] or empty @param out [weight.rows] */
    static void linear(HeapWeight weight, float[] in, int inAt, float[] bias, float[] out, int outAt) {
        for (int o = 0; o < weight.rows(); o++) {
            int row = weight.row(o);
            double sum = bias.length == 0 ? 0 : bias[o];
            for (int i = 0; i < weight.cols(); i++) sum += (double) in[inAt + i] * weight.data()[row + i];
            out[outAt + o] = (float) sum;
        }
    }

    /** out = x / √(mean(x²) + eps) · weight. @param x [n] @param weight [n] @param out [n] */
    static void norm(float[] x, int xAt, float[] weight, float eps, float[] out, int outAt) {
        int n = weight.length;
        double squares = 0;
        for (int i = 0; i < n; i++) squares += (double) x[xAt + i] * x[xAt + i];
        double scale = 1 / Math.sqrt(squares / n + eps);
        for (int i = 0; i < n; i++) out[outAt + i] = (float) (x[xAt + i] * scale * weight[i]);
    }

    /** Turns pairs (i, i + headDim/2). @param x [headDim] @param table cosines [headDim/2], then sines [headDim/2] @param out [headDim], may be x */
    static void rotate(float[] x, int xAt, int headDim, float[] table, int tableAt, float[] out, int outAt) {
        int half = headDim / 2;
        for (int i = 0; i < half; i++) {
            double cos = table[tableAt + i];
            double sin = table[tableAt + half + i];
            double a = x[xAt + i];
            double b = x[xAt + half + i];
            out[outAt + i] = (float) (a * cos - b * sin);
            out[outAt + half + i] = (float) (b * cos + a * sin);
        }
    }

    /** out[i] = activation(gateUp[i]) · gateUp[n + i]. @param gateUp [2n] @param out [n] */
    static void activate(Activation activation, float[] gateUp, int gateAt, int n, float[] out, int outAt) {
        for (int i = 0; i < n; i++) {
            double gate = gateUp[gateAt + i];
            double activated = switch (activation) {
                case SILU -> gate / (1 + StrictMath.exp(-gate));
            };
            out[outAt + i] = (float) (activated * gateUp[gateAt + n + i]);
        }
    }
}
