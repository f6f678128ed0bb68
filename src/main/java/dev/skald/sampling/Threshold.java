package dev.skald.sampling;

import java.util.Arrays;

/**
 * Finds, without sorting, where a descending order must be cut: by most significant digits first, keeping only the keys that still can be
 * the one at the cut. At most four passes, most of them over few keys. Allocates nothing after construction; one thread at a time.
 */
final class Threshold {
    private static final int DIGIT = 11;
    private static final int DIGITS = 1 << DIGIT;

    private final long[] amounts = new long[DIGITS];
    private long key;
    private int ties;

    /** The smallest key that is kept. */
    long key() {
        return key;
    }

    /** How many keys equal to {@link #key} are kept. */
    int ties() {
        return ties;
    }

    /** Cuts where {@code count} keys are kept. @param count 1 … n; the rest as in {@link #cut} */
    void byCount(long[] keys, int n, int bits, int count) {
        long remaining = cut(keys, n, bits, false, count);
        ties = (int) remaining;
    }

    /** Cuts where the kept keys first sum to {@code sum}. @param keys all positive; @param sum 1 … their sum */
    void bySum(long[] keys, int n, int bits, long sum) {
        long remaining = cut(keys, n, bits, true, sum);
        ties = (int) Math.ceilDiv(remaining, key);
    }

    /**
     * @param keys [n], 0 ≤ key < 2^bits; overwritten
     * @param bits up to 44
     * @return what keys greater than the one found leave of {@code target}
     */
    private long cut(long[] keys, int n, int bits, boolean sum, long target) {
        long remaining = target;
        for (int shift = Math.ceilDiv(bits, DIGIT) * DIGIT - DIGIT; shift >= 0; shift -= DIGIT) {
            Arrays.fill(amounts, 0);
            for (int i = 0; i < n; i++) amounts[digit(keys[i], shift)] += sum ? keys[i] : 1;
            int cut = DIGITS - 1;
            while (amounts[cut] < remaining) remaining -= amounts[cut--];
            int kept = 0;
            for (int i = 0; i < n; i++) {
                long k = keys[i];
                keys[kept] = k;
                if (digit(k, shift) == cut) kept++;
            }
            n = kept;
        }
        key = keys[0];
        return remaining;
    }

    private static int digit(long key, int shift) {
        return (int) (key >>> shift) & DIGITS - 1;
    }
}
