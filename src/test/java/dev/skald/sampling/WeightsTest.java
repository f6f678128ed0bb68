package dev.skald.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class WeightsTest {
    private static final long SEED = 20_240_611;
    private static final MathContext DIGITS = new MathContext(40);

    @Test
    void weights_stay_within_the_stated_bound_of_the_exact_exponential() {
        SplittableRandom random = new SplittableRandom(SEED);
        BigDecimal bound = new BigDecimal(0.5 + 0x1p-6);
        for (int i = 0; i < 4_000; i++) {
            double x = i < 2_000 ? -random.nextDouble() * 30 : -StrictMath.exp(-random.nextDouble() * 40);
            BigDecimal exact = exp(new BigDecimal(x)).multiply(new BigDecimal(Weights.ONE), DIGITS);
            BigDecimal error = exact.subtract(BigDecimal.valueOf(Weights.weight(x))).abs();
            assertTrue(error.compareTo(bound) <= 0, () -> "x " + x + " is off by " + error + ", seed " + SEED);
        }
    }

    @Test
    void weights_agree_with_the_strict_library_at_the_edges_of_the_reduction() {
        for (int k = 0; k <= 41; k++) {
            double middle = -(k + 0.5) * StrictMath.log(2);
            for (int step = -5; step <= 5; step++) {
                double x = middle + step * Math.ulp(middle);
                double exact = StrictMath.exp(x) * Weights.ONE;
                assertEquals(exact, Weights.weight(x), 0.5 + 0x1p-6, "x " + x);
            }
        }
    }

    @Test
    void the_ends_are_exact() {
        assertEquals(Weights.ONE, Weights.weight(0.0));
        assertEquals(Weights.ONE, Weights.weight(-0.0));
        assertEquals(Weights.ONE, Weights.weight(-Double.MIN_VALUE));
        assertEquals(0, Weights.weight(Double.NEGATIVE_INFINITY));
        assertEquals(0, Weights.weight(-1e300));
        assertEquals(0, Weights.weight(Weights.CUTOFF));
        assertEquals(1, Weights.weight(-28.4));
    }

    @Test
    void the_same_weight_cold_and_hot() {
        double[] xs = new double[1000];
        long[] cold = new long[xs.length];
        for (int i = 0; i < xs.length; i++) {
            xs[i] = -i * 0.0287;
            cold[i] = Weights.weight(xs[i]);
        }
        for (int round = 0; round < 200; round++) {
            for (int i = 0; i < xs.length; i++) assertEquals(cold[i], Weights.weight(xs[i]));
        }
    }

    @Test
    void a_whole_row_gets_the_weights_of_its_logits_cold_and_hot() {
        SplittableRandom random = new SplittableRandom(SEED);
        Weigher weigher = new Weigher();
        for (int round = 0; round < 300; round++) {
            int n = 1 + random.nextInt(2000);
            float[] row = Fixtures.logits(random, n);
            float max = Float.NEGATIVE_INFINITY;
            for (float logit : row) max = Math.max(max, logit);
            double inverse = 1 / random.nextDouble(0.1, 2);
            long[] weights = new long[n];
            weigher.weigh(row, n, max, inverse, weights);
            for (int i = 0; i < n; i++) {
                assertEquals(Weights.weight((row[i] - (double) max) * inverse), weights[i], "round " + round + ", seed " + SEED);
            }
        }
    }

    @Test
    void the_logarithm_stays_within_its_bound() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int i = 0; i < 200_000; i++) {
            double v = StrictMath.exp(random.nextDouble() * 60 - 10);
            double exact = StrictMath.log(v);
            assertEquals(exact, Weights.ln(v), 0x1p-50 * Math.max(1, Math.abs(exact)), () -> v + ", seed " + SEED);
        }
        assertEquals(0, Weights.ln(1));
    }

    @Test
    void shares_are_rounded_up_exactly() {
        SplittableRandom random = new SplittableRandom(SEED);
        float[] special = {0, 1, Float.MIN_VALUE, Float.MIN_NORMAL, 0.5f, 0.1f, 0.9f, 0.95f, Math.nextDown(1f), 0x1p-104f, 0x1p-105f, 0x1p-106f};
        for (int i = 0; i < 100_000; i++) {
            float share = i % 4 == 0 ? special[i / 4 % special.length] : i % 4 == 1 ? (float) StrictMath.exp(-random.nextDouble() * 100) : (float) random.nextDouble();
            long total = random.nextLong(1L << 62) >>> random.nextInt(62);
            BigDecimal exact = new BigDecimal(share).multiply(new BigDecimal(total)).setScale(0, RoundingMode.CEILING);
            assertEquals(exact.toBigIntegerExact(), BigInteger.valueOf(Weights.shareOf(share, total)), () -> share + " of " + total + ", seed " + SEED);
        }
    }

    /** By the power series after halving the argument until it is small, then squaring: 40 digits, none of the code under test. */
    private static BigDecimal exp(BigDecimal x) {
        int halvings = 12;
        BigDecimal small = x.divide(BigDecimal.valueOf(1 << halvings), DIGITS);
        BigDecimal term = BigDecimal.ONE;
        BigDecimal sum = BigDecimal.ONE;
        for (int n = 1; n < 20; n++) {
            term = term.multiply(small, DIGITS).divide(BigDecimal.valueOf(n), DIGITS);
            sum = sum.add(term, DIGITS);
        }
        for (int i = 0; i < halvings; i++) sum = sum.multiply(sum, DIGITS);
        return sum;
    }
}
