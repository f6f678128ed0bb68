package dev.skald.sampling;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Draws tokens from logits; the definition that every device is held to.
 *
 * <p>With x = (logit − greatest logit) · (1 / temperature) in double, a token's weight is {@link Weights#weight}(x). Then:
 * <ul>
 *   <li>top-k keeps the k greatest logits, of equal ones the lowest ids;
 *   <li>top-p keeps the smallest set of greatest weights, of equal ones the lowest ids, that sums to ⌈p · W⌉ or more, W being the sum of what
 *       top-k left;
 *   <li>min-p drops weights below ⌈p · 2⁴⁰⌉, 2⁴⁰ being the greatest weight;
 *   <li>with W' the sum of what is left and b 64 bits of {@link Philox}, the token is the first, by id, at which the running sum of weights
 *       exceeds ⌊b · W' / 2⁶⁴⌋.
 * </ul>
 * Temperature 0 takes the greatest logit, of equal ones the lowest id. −∞ is a logit that is never drawn. A row with a NaN or +∞ is
 * {@link #INVALID}; a row of which the filters left nothing but −∞ is {@link #NOTHING_LEFT}. Both fail their own sequence only.
 *
 * <p>Holds scratch memory for one row and allocates nothing after construction; each thread needs its own.
 */
public final class Sampler {
    /** Instead of a token: the row holds a NaN or +∞. */
    public static final int INVALID = -1;
    /** Instead of a token: the filters exclude every token. */
    public static final int NOTHING_LEFT = -2;
    /** The weights of so many tokens still sum to less than 2⁶³. */
    public static final int MAX_VOCABULARY = 1 << 22;

    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT;
    private static final int WEIGHT_BITS = 41;
    private static final int LOGIT_BITS = 32;
    private static final int LEAST_GROUPS = 512;
    private static final int GROUPS_PER_KEPT = 8;

    private final int vocabularySize;
    private final float[] row;
    private final int[] ids;
    private final long[] weights;
    private final long[] keys;
    private final float[] maxima;
    private final Threshold threshold = new Threshold();
    private final Weigher weigher = new Weigher();

    public Sampler(int vocabularySize) {
        if (vocabularySize < 1 || vocabularySize > MAX_VOCABULARY) {
            throw new IllegalArgumentException("a vocabulary of " + vocabularySize + " is outside [1, " + MAX_VOCABULARY + "]");
        }
        this.vocabularySize = vocabularySize;
        row = new float[vocabularySize];
        ids = new int[vocabularySize];
        weights = new long[vocabularySize];
        keys = new long[vocabularySize];
        maxima = new float[vocabularySize / 4];
    }

    /**
     * Bias, allowed ids, banned sequences, minimum tokens, then penalties: float arithmetic, one rounding per operation. The repetition
     * penalty divides a positive logit (to at most the greatest float) and multiplies any other; then {@code frequency · count} and
     * {@code presence} are subtracted, in this order. Excluded tokens become −∞; a NaN or +∞ stays what it is.
     *
     * @param logits   [vocabulary] f32 from {@code byteOffset} on, 4-byte aligned
     * @param adjusted the same, from {@code adjustedOffset} on; may be the same memory
     */
    public void adjust(MemorySegment logits, long byteOffset, MemorySegment adjusted, long adjustedOffset, SlotState state) {
        if (!state.needsAdjustment()) {
            MemorySegment.copy(logits, byteOffset, adjusted, adjustedOffset, 4L * vocabularySize);
            return;
        }
        load(logits, byteOffset);
        state.adjust(row);
        MemorySegment.copy(row, 0, adjusted, FLOAT, adjustedOffset, vocabularySize);
    }

    /**
     * Draws the next token. Does not tell the state: {@link SlotState#accept}.
     *
     * @param adjusted [vocabulary] f32 from {@code byteOffset} on, 4-byte aligned
     * @param position absolute position in its sequence, from 0, of the token that is drawn
     * @return a token id, or {@link #INVALID} or {@link #NOTHING_LEFT}
     */
    public int sample(MemorySegment adjusted, long byteOffset, SlotState state, int position) {
        load(adjusted, byteOffset);
        int best = argmax();
        if (best < 0 || state.greedy()) return best;
        int n = candidates(best, state.params());
        long total = total(n);
        long bits = Philox.bits(state.seed(), state.choice(), position, Philox.PURPOSE_SAMPLE);
        long left = Math.unsignedMultiplyHigh(bits, total);
        int i = 0;
        while (left >= weights[i]) left -= weights[i++];
        return ids[i];
    }

    /**
     * Log-probability and rank of a token under the raw logits, and the most likely tokens. With W the integer sum of the weights at
     * temperature 1, a log-probability is (logit − greatest logit) − ln(W · 2⁻⁴⁰) in double, rounded to float.
     *
     * @param logits [vocabulary] f32 from {@code byteOffset} on, 4-byte aligned, as the model gave them
     * @param token  whose log-probability and rank are wanted
     * @param top    number of most likely tokens wanted, at most the vocabulary's size
     * @param table  takes them in its row {@code tableRow}
     * @return whether the row has a distribution; not if it holds a NaN or +∞ or nothing but −∞, and then nothing is written
     */
    public boolean topLogprobs(MemorySegment logits, long byteOffset, int token, int top, LogprobTable table, int tableRow) {
        load(logits, byteOffset);
        int best = argmax();
        if (best < 0) return false;
        double max = row[best];
        weigher.weigh(row, vocabularySize, max, 1, weights);
        long total = total(vocabularySize);
        int rank = 1;
        float own = row[token];
        for (int id = 0; id < vocabularySize; id++) {
            float logit = row[id];
            if (logit > own || (logit == own && id < token)) rank++;
        }
        double logTotal = Weights.ln((double) total) - Weights.ln((double) Weights.ONE);
        table.set(tableRow, (float) (own - max - logTotal), rank);
        int n = mostLikely(Math.min(top, vocabularySize));
        for (int k = 0; k < n; k++) table.setTop(tableRow, k, ids[k], (float) (row[ids[k]] - max - logTotal));
        return true;
    }

    /** Leaves the tokens that may be drawn in {@link #candidateId} and {@link #candidateWeight}, by ascending id. @return how many */
    int candidates(MemorySegment adjusted, long byteOffset, SamplingParams params) {
        load(adjusted, byteOffset);
        int best = argmax();
        return best < 0 ? best : candidates(best, params);
    }

    int candidateId(int i) {
        return ids[i];
    }

    long candidateWeight(int i) {
        return weights[i];
    }

    private int candidates(int best, SamplingParams params) {
        double max = row[best];
        double inverse = 1.0 / params.temperature();
        int n = params.topK() > 0 && params.topK() < vocabularySize ? weighTopK(max, inverse, params.topK()) : weighAll(max, inverse);
        if (params.topP() < 1) n = keepTopP(n, params.topP());
        if (params.minP() > 0) n = keepAtLeast(n, Weights.shareOf(params.minP(), Weights.ONE));
        return n;
    }

    private int weighAll(double max, double inverse) {
        weigher.weigh(row, vocabularySize, max, inverse, weights);
        for (int id = 0; id < vocabularySize; id++) ids[id] = id;
        return keepAtLeast(vocabularySize, 1);
    }

    /** Leaves the row compacted to the k tokens. */
    private int weighTopK(double max, double inverse, int k) {
        float bound = boundOfTopK(k);
        int n = 0;
        for (int id = 0; id < vocabularySize; id++) {
            ids[n] = id;
            n += row[id] >= bound ? 1 : 0;
        }
        for (int i = 0; i < n; i++) keys[i] = ordered(row[ids[i]]);
        threshold.byCount(keys, n, LOGIT_BITS, k);
        long least = threshold.key();
        int ties = threshold.ties();
        int kept = 0;
        for (int i = 0; i < n; i++) {
            float logit = row[ids[i]];
            long key = ordered(logit);
            if (key < least || (key == least && ties-- <= 0)) continue;
            ids[kept] = ids[i];
            row[kept++] = logit;
        }
        weigher.weigh(row, kept, max, inverse, weights);
        return keepAtLeast(kept, 1);
    }

    /**
     * A logit that at least k tokens reach, and not many more: the k-th greatest of the maxima of disjoint groups, a cheap pass that leaves
     * little to select from. −∞ where k is too large for that.
     */
    private float boundOfTopK(int k) {
        int groups = Math.max(LEAST_GROUPS, GROUPS_PER_KEPT * k);
        if (groups > maxima.length) return Float.NEGATIVE_INFINITY;
        System.arraycopy(row, 0, maxima, 0, groups);
        for (int from = groups; from + groups <= vocabularySize; from += groups) {
            for (int g = 0; g < groups; g++) maxima[g] = Math.max(maxima[g], row[from + g]);
        }
        for (int g = 0; g < groups; g++) keys[g] = ordered(maxima[g]);
        threshold.byCount(keys, groups, LOGIT_BITS, k);
        return logit(threshold.key());
    }

    private int keepTopP(int n, float p) {
        long total = total(n);
        long target = Weights.shareOf(p, total);
        // All weights below this sum to less than what may go, so none of them is in the set; mostly few are left to select from.
        int rest = keepAtLeast(n, (total - target) / n);
        System.arraycopy(weights, 0, keys, 0, rest);
        threshold.bySum(keys, rest, WEIGHT_BITS, target);
        long least = threshold.key();
        int ties = threshold.ties();
        int kept = 0;
        for (int i = 0; i < rest; i++) {
            long weight = weights[i];
            if (weight < least || (weight == least && ties-- <= 0)) continue;
            ids[kept] = ids[i];
            weights[kept++] = weight;
        }
        return kept;
    }

    /** Without a branch on the weight, which no processor could foresee. */
    private int keepAtLeast(int n, long least) {
        int kept = 0;
        for (int i = 0; i < n; i++) {
            long weight = weights[i];
            ids[kept] = ids[i];
            weights[kept] = weight;
            kept += 1 - (int) (weight - least >>> 63);
        }
        return kept;
    }

    private long total(int n) {
        long total = 0;
        for (int i = 0; i < n; i++) total += weights[i];
        return total;
    }

    /** The n greatest logits, greatest first, of equal ones the lowest id, into {@code ids}. For small n: insertion into a sorted list. */
    private int mostLikely(int n) {
        if (n <= 0) return 0;
        int size = 0;
        for (int id = 0; id < vocabularySize; id++) {
            float logit = row[id];
            if (size == n && !(logit > row[ids[n - 1]])) continue;
            int at = size < n ? size++ : n - 1;
            while (at > 0 && logit > row[ids[at - 1]]) {
                ids[at] = ids[at - 1];
                at--;
            }
            ids[at] = id;
        }
        return size;
    }

    private int argmax() {
        float max = Float.NEGATIVE_INFINITY;
        int best = NOTHING_LEFT;
        for (int id = 0; id < vocabularySize; id++) {
            float logit = row[id];
            if (!(logit <= max)) { // greater, or NaN
                if (!(logit < Float.POSITIVE_INFINITY)) return INVALID;
                max = logit;
                best = id;
            }
        }
        return best;
    }

    private void load(MemorySegment logits, long byteOffset) {
        MemorySegment.copy(logits, FLOAT, byteOffset, row, 0, vocabularySize);
    }

    /** 0 … 2³² − 1 in the order of the floats, −0 equal to +0. */
    private static long ordered(float logit) {
        int bits = Float.floatToRawIntBits(logit + 0f);
        return (long) (bits ^ bits >> 31 & Integer.MAX_VALUE) - Integer.MIN_VALUE;
    }

    /** The inverse of {@link #ordered}. */
    private static float logit(long key) {
        int bits = (int) (key + Integer.MIN_VALUE);
        return Float.intBitsToFloat(bits ^ bits >> 31 & Integer.MAX_VALUE);
    }
}
