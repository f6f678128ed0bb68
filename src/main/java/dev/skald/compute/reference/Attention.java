package dev.skald.compute.reference;

import dev.skald.compute.AttentionShape;
import dev.skald.compute.HostSlots;

/** Causal attention of one token over its sequence's cache. */
final class Attention {
    /** Positions of a split; splits begin at multiples of it, whatever the step. */
    static final int SPLIT_TOKENS = 256;

    private final HostSlots slots;
    private final ReferenceKvCache cache;

    Attention(HostSlots slots, ReferenceKvCache cache) {
        this.slots = slots;
        this.cache = cache;
    }

    /**
     * What a split, or several in a row, contribute to one head.
     *
     * @param max greatest score
     * @param sum Σ exp(score − max)
     * @param acc Σ exp(score − max) · value, [headDim]
     */
    private record Partial(double max, double sum, double[] acc) {
        /** This split, then the next. */
        Partial then(Partial next) {
            double m = Math.max(max, next.max);
            double a = StrictMath.exp(max - m);
            double b = StrictMath.exp(next.max - m);
            double[] combined = new double[acc.length];
            for (int i = 0; i < acc.length; i++) combined[i] = a * acc[i] + b * next.acc[i];
            return new Partial(m, a * sum + b * next.sum, combined);
        }
    }

    /**
     * @param q        query of one head, [headDim] from {@code at} on
     * @param kvHead   the key/value head that it reads
     * @param position absolute position of the token; it sees itself and all before
     * @param out      [headDim] from {@code outAt} on
     */
    void head(AttentionShape shape, float[] q, int at, int layer, int slot, int kvHead, int position, float[] out, int outAt) {
        Partial total = split(shape, q, at, layer, slot, kvHead, 0, Math.min(SPLIT_TOKENS, position + 1));
        for (int begin = SPLIT_TOKENS; begin <= position; begin += SPLIT_TOKENS) {
            int end = Math.min(begin + SPLIT_TOKENS, position + 1);
            total = total.then(split(shape, q, at, layer, slot, kvHead, begin, end));
        }
        for (int i = 0; i < shape.headDim(); i++) out[outAt + i] = (float) (total.acc[i] / total.sum);
    }

    /** Positions begin … end − 1, which the query sees all; what it doesn't see is never read. */
    private Partial split(AttentionShape shape, float[] q, int at, int layer, int slot, int kvHead, int begin, int end) {
        int blockTokens = cache.group().blockTokens();
        double[] scores = new double[end - begin];
        double max = Double.NEGATIVE_INFINITY;
        for (int p = begin; p < end; p++) {
            int block = slots.block(slot, p / blockTokens);
            double dot = 0;
            for (int i = 0; i < shape.headDim(); i++) {
                dot += (double) q[at + i] * cache.key(layer, block, p % blockTokens, kvHead, i);
            }
            scores[p - begin] = dot * shape.scale();
            max = Math.max(max, scores[p - begin]);
        }
        double sum = 0;
        double[] acc = new double[shape.headDim()];
        for (int p = begin; p < end; p++) {
            int block = slots.block(slot, p / blockTokens);
            double weight = StrictMath.exp(scores[p - begin] - max);
            sum += weight;
            for (int i = 0; i < shape.headDim(); i++) acc[i] += weight * cache.value(layer, block, p % blockTokens, kvHead, i);
        }
        return new Partial(max, sum, acc);
    }
}
