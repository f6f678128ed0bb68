package dev.skald.sampling;

/**
 * Integer weights of tokens: exp(x) · 2⁴⁰, rounded. Integers, because their sum is the same in any order and on any device; our own
 * polynomial in plain double arithmetic (each operation rounded to nearest even, never contracted to fma), because library functions and
 * intrinsics differ in their last bits. Pure; any thread.
 *
 * <p>Bounds, held by tests: {@code |weight(x) − exp(x)·2⁴⁰| ≤ 0.5 + 2⁻⁶} for x ≤ 0;
 * {@code |ln(v) − log(v)| ≤ 2⁻⁵⁰ · max(1, |log(v)|)}. The weights of fewer than 2²² tokens sum to less than 2⁶³.
 */
public final class Weights {
    /** Weight of the most likely token: exp(0) · 2⁴⁰. */
    public static final long ONE = 1L << 40;

    /** Below this the weight is 0: exp(−28.5) · 2⁴⁰ = 0.46. */
    public static final double CUTOFF = -28.5;

    private static final double LOG2_E = 0x1.71547652b82fep0;
    /** ln 2 in two parts; the first has 32 bits, so that its product with a small integer is exact. */
    private static final double LN2_HIGH = 0x1.62e42feep-1;
    private static final double LN2_LOW = 0x1.a39ef35793c76p-33;
    /** Adding and subtracting this rounds a double of small magnitude to an integer. */
    private static final double ROUNDER = 0x1.8p52;

    private Weights() {}

    /**
     * The weight of a token.
     *
     * @param x its logit minus the greatest one, divided by the temperature: 0 or less, not NaN
     * @return 0 … 2⁴⁰
     */
    public static long weight(double x) {
        double clamped = Math.max(x, CUTOFF);
        double whole = whole(clamped);
        return scaled(fraction(clamped, whole), whole);
    }

    /** x / ln 2, rounded to an integer. */
    static double whole(double x) {
        return (x * LOG2_E + ROUNDER) - ROUNDER;
    }

    /** exp(x − whole · ln 2): Taylor to degree 11 on |r| ≤ ln(2)/2, whose remainder is below 2⁻⁴⁷ of the value. In pairs, for short chains. */
    static double fraction(double x, double whole) {
        double r = (x - whole * LN2_HIGH) - whole * LN2_LOW;
        double r2 = r * r;
        double r4 = r2 * r2;
        double r8 = r4 * r4;
        double low = (1 + r) + (0.5 + 0x1.5555555555555p-3 * r) * r2;
        double middle = (0x1.5555555555555p-5 + 0x1.1111111111111p-7 * r) + (0x1.6c16c16c16c17p-10 + 0x1.a01a01a01a01ap-13 * r) * r2;
        double high = (0x1.a01a01a01a01ap-16 + 0x1.71de3a556c734p-19 * r) + (0x1.27e4fb7789f5cp-22 + 0x1.ae64567f544e4p-26 * r) * r2;
        return (low + middle * r4) + high * r8;
    }

    /** ⌊fraction · 2^(whole + 40) + ½⌋. */
    static long scaled(double fraction, double whole) {
        return (long) (fraction * Double.longBitsToDouble(1023 + 40 + (long) whole << 52) + 0.5);
    }

    /** Natural logarithm. @param v finite, positive, normal */
    public static double ln(double v) {
        int exponent = Math.getExponent(v);
        double m = Math.scalb(v, -exponent);
        if (m > 0x1.6a09e667f3bcdp0) {
            m *= 0.5;
            exponent++;
        }
        // ln m = 2 · atanh(s), |s| ≤ 0.1716: the series to s²¹ leaves less than 2⁻⁶⁰.
        double s = (m - 1) / (m + 1);
        double q = s * s;
        double sum = 0;
        for (int odd = 21; odd >= 3; odd -= 2) sum = (sum + 1.0 / odd) * q;
        return exponent * LN2_HIGH + (exponent * LN2_LOW + (2 * s * sum + 2 * s));
    }

    /** ⌈share · total⌉, exact. @param share 0 … 1 @param total 0 or more */
    static long shareOf(float share, long total) {
        int bits = Float.floatToRawIntBits(share);
        int exponent = bits >>> 23;
        long mantissa = exponent == 0 ? bits : bits & 0x7FFFFF | 0x800000;
        int shift = 150 - Math.max(exponent, 1); // share = mantissa · 2⁻ˢʰⁱᶠᵗ, and shift is at least 23
        long high = Math.multiplyHigh(mantissa, total);
        long low = mantissa * total;
        if (shift < 64) {
            long floor = high << 64 - shift | low >>> shift;
            return (low & (1L << shift) - 1) == 0 ? floor : floor + 1;
        }
        if (shift >= 128) return high == 0 && low == 0 ? 0 : 1;
        long floor = high >>> shift - 64;
        boolean exact = low == 0 && (high & (1L << shift - 64) - 1) == 0;
        return exact ? floor : floor + 1;
    }
}
