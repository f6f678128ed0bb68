package dev.skald.sampling;

/**
 * {@link Weights#weight} for a whole row, in blocks, so that the compiler makes vectors of the two loops that are nothing but arithmetic:
 * the same operations in the same order, several times faster. Allocates nothing after construction; one thread at a time.
 */
final class Weigher {
    private static final int BLOCK = 512;

    private final double[] fractions = new double[BLOCK];
    private final double[] wholes = new double[BLOCK];

    /**
     * @param logits  [n]
     * @param max     no logit is greater
     * @param inverse 1 / temperature
     * @param weights [n], taken
     */
    void weigh(float[] logits, int n, double max, double inverse, long[] weights) {
        for (int from = 0; from < n; from += BLOCK) {
            int size = Math.min(BLOCK, n - from);
            scale(logits, from, size, max, inverse, fractions);
            reduce(fractions, wholes, size);
            finish(fractions, wholes, size, weights, from);
        }
    }

    private static void scale(float[] logits, int from, int size, double max, double inverse, double[] x) {
        for (int i = 0; i < size; i++) x[i] = Math.max((logits[from + i] - max) * inverse, Weights.CUTOFF);
    }

    private static void reduce(double[] x, double[] wholes, int size) {
        for (int i = 0; i < size; i++) {
            double whole = Weights.whole(x[i]);
            x[i] = Weights.fraction(x[i], whole);
            wholes[i] = whole;
        }
    }

    private static void finish(double[] fractions, double[] wholes, int size, long[] weights, int from) {
        for (int i = 0; i < size; i++) weights[from + i] = Weights.scaled(fractions[i], wholes[i]);
    }
}
