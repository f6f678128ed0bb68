package dev.skald.compute.cpu;

import dev.skald.tensor.DType;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Causal attention over the paged cache, one split of 256 positions after the other. Within a split: keys of a block are widened to f32 and
 * met by all query rows, a lane for each of 16 tokens; then the softmax over the positions that the row sees; then values are summed in
 * ascending order, a lane for each element. What one row does is the same whichever rows are beside it, and positions that it doesn't see
 * are left out, not multiplied by zero. One object per worker.
 */
final class VectorAttention {
    private static final int SLOTS = CpuKvCache.BLOCK_TOKENS;
    private static final int SPLIT = AttentionPlan.SPLIT_TOKENS;
    private static final int ROWS = AttentionPlan.MAX_ROWS;

    private final Partials shared;
    private final Partials running;
    private final Partials part;
    /** Elements of a query or key: padded by zeros to whole groups of four chains. */
    private final int keyWidth;
    /** Elements of a value: padded to whole vectors. */
    private final int valueWidth;
    private final float[] queries;
    private final float[] keys;
    private final float[] values;
    private final float[] scores = new float[ROWS * SPLIT];
    private final int[] visible = new int[ROWS];

    /** @param shared where partial results of divided units go */
    VectorAttention(int headDim, Partials shared) {
        this.shared = shared;
        running = new Partials(ROWS, headDim);
        part = new Partials(ROWS, headDim);
        keyWidth = headDim + 3 & -4;
        valueWidth = Lanes.padded(headDim);
        queries = new float[ROWS * keyWidth];
        keys = new float[keyWidth * SLOTS];
        values = new float[SLOTS * valueWidth];
    }

    /** One item of the plan: to the output, or if its unit is divided, to the partial results. */
    void attend(KernelArguments.Attend a, int item) {
        int unit = a.plan.unit(item);
        int rows = a.plan.rows(unit);
        int partial = a.plan.partial(unit);
        int first = a.plan.firstSplit(item);
        loadQueries(a, unit, rows);
        for (int split = first; split < a.plan.endSplit(item); split++) {
            int most = findVisible(a, unit, rows, split);
            score(a, unit, rows, split, most);
            for (int r = 0; r < rows; r++) if (visible[r] > 0) softmax(r, a.scale);
            sumValues(a, unit, rows, split, most);
            for (int r = 0; r < rows; r++) {
                if (visible[r] == 0) continue;
                if (partial >= 0) shared.copy(partial + split * rows + r, part, r);
                else if (split == 0) running.copy(r, part, r);
                else running.merge(r, part, r);
            }
        }
        if (partial < 0) for (int r = 0; r < rows; r++) store(a, unit, r);
    }

    /** A divided unit's partial results, in ascending order, to the output. */
    void combine(KernelArguments.Attend a, int divided) {
        int unit = a.plan.dividedUnit(divided);
        int rows = a.plan.rows(unit);
        int partial = a.plan.partial(unit);
        for (int r = 0; r < rows; r++) {
            int splits = a.positions.get(token(a, unit, r)) / SPLIT + 1;
            running.copy(r, shared, partial + r);
            for (int split = 1; split < splits; split++) running.merge(r, shared, partial + split * rows + r);
            store(a, unit, r);
        }
    }

    private static int token(KernelArguments.Attend a, int unit, int row) {
        return a.plan.token(unit) + row / a.plan.heads(unit);
    }

    private static int head(KernelArguments.Attend a, int unit, int row) {
        return a.plan.head(unit) + row % a.plan.heads(unit);
    }

    private void loadQueries(KernelArguments.Attend a, int unit, int rows) {
        for (int r = 0; r < rows; r++) {
            long address = a.qkv + token(a, unit, r) * a.qkvStride + 4L * head(a, unit, r) * a.headDim;
            Halves.widen(DType.F32, address, queries, r * keyWidth, a.headDim);
        }
    }

    /** How many positions of the split each row sees. @return the most of any row */
    private int findVisible(KernelArguments.Attend a, int unit, int rows, int split) {
        int most = 0;
        for (int r = 0; r < rows; r++) {
            visible[r] = Math.clamp(a.positions.get(token(a, unit, r)) + 1 - split * SPLIT, 0, SPLIT);
            most = Math.max(most, visible[r]);
        }
        return most;
    }

    /** Offset of a block's keys or values for the unit's key/value head. */
    private static long offset(KernelArguments.Attend a, int unit, int position) {
        int kvHead = a.plan.head(unit) / (a.heads / a.kvHeads);
        return a.block(a.slots.get(a.plan.token(unit)), position) * a.blockBytes + kvHead * a.headBytes;
    }

    private void score(KernelArguments.Attend a, int unit, int rows, int split, int most) {
        for (int at = 0; at < most; at += SLOTS) {
            CachedHeads.widenKeys(a.type, a.keys + offset(a, unit, split * SPLIT + at), a.headDim, keys);
            int r = 0;
            while (r < rows) {
                if (visible[r] <= at) {
                    r++;
                } else if (r + 1 < rows && visible[r + 1] > at) {
                    score2(queries, r * keyWidth, keyWidth, keys, scores, r * SPLIT + at);
                    r += 2;
                } else {
                    score1(queries, r * keyWidth, keyWidth, keys, scores, r * SPLIT + at);
                    r++;
                }
            }
        }
    }

    /**
     * Dot products of two queries with 16 keys: in four chains, over d mod 4.
     *
     * @param q      [2, width] from {@code at} on
     * @param keys   [width, 16]
     * @param scores 16 for the first from {@code to} on, 16 for the second a split later
     */
    private static void score2(float[] q, int at, int width, float[] keys, float[] scores, int to) {
        for (int lane = 0; lane < SLOTS; lane += Lanes.LENGTH) {
            FloatVector zero = FloatVector.zero(Lanes.FLOATS);
            FloatVector c00 = zero, c01 = zero, c02 = zero, c03 = zero;
            FloatVector c10 = zero, c11 = zero, c12 = zero, c13 = zero;
            for (int d = 0; d < width; d += 4) {
                int k = d * SLOTS + lane;
                int a = at + d;
                int b = a + width;
                FloatVector k0 = FloatVector.fromArray(Lanes.FLOATS, keys, k);
                c00 = k0.fma(FloatVector.broadcast(Lanes.FLOATS, q[a]), c00);
                c10 = k0.fma(FloatVector.broadcast(Lanes.FLOATS, q[b]), c10);
                FloatVector k1 = FloatVector.fromArray(Lanes.FLOATS, keys, k + SLOTS);
                c01 = k1.fma(FloatVector.broadcast(Lanes.FLOATS, q[a + 1]), c01);
                c11 = k1.fma(FloatVector.broadcast(Lanes.FLOATS, q[b + 1]), c11);
                FloatVector k2 = FloatVector.fromArray(Lanes.FLOATS, keys, k + 2 * SLOTS);
                c02 = k2.fma(FloatVector.broadcast(Lanes.FLOATS, q[a + 2]), c02);
                c12 = k2.fma(FloatVector.broadcast(Lanes.FLOATS, q[b + 2]), c12);
                FloatVector k3 = FloatVector.fromArray(Lanes.FLOATS, keys, k + 3 * SLOTS);
                c03 = k3.fma(FloatVector.broadcast(Lanes.FLOATS, q[a + 3]), c03);
                c13 = k3.fma(FloatVector.broadcast(Lanes.FLOATS, q[b + 3]), c13);
            }
            c00.add(c01).add(c02.add(c03)).intoArray(scores, to + lane);
            c10.add(c11).add(c12.add(c13)).intoArray(scores, to + lane + SPLIT);
        }
    }

    /** As {@link #score2}, of one query. */
    private static void score1(float[] q, int at, int width, float[] keys, float[] scores, int to) {
        for (int lane = 0; lane < SLOTS; lane += Lanes.LENGTH) {
            FloatVector zero = FloatVector.zero(Lanes.FLOATS);
            FloatVector c0 = zero, c1 = zero, c2 = zero, c3 = zero;
            for (int d = 0; d < width; d += 4) {
                int k = d * SLOTS + lane;
                int a = at + d;
                c0 = FloatVector.fromArray(Lanes.FLOATS, keys, k).fma(FloatVector.broadcast(Lanes.FLOATS, q[a]), c0);
                c1 = FloatVector.fromArray(Lanes.FLOATS, keys, k + SLOTS).fma(FloatVector.broadcast(Lanes.FLOATS, q[a + 1]), c1);
                c2 = FloatVector.fromArray(Lanes.FLOATS, keys, k + 2 * SLOTS).fma(FloatVector.broadcast(Lanes.FLOATS, q[a + 2]), c2);
                c3 = FloatVector.fromArray(Lanes.FLOATS, keys, k + 3 * SLOTS).fma(FloatVector.broadcast(Lanes.FLOATS, q[a + 3]), c3);
            }
            c0.add(c1).add(c2.add(c3)).intoArray(scores, to + lane);
        }
    }

    /** Scores of a row to exp(score · scale − max); notes max and sum. Slots of the last block that it doesn't see weigh exactly 0. */
    private void softmax(int row, float scale) {
        int at = row * SPLIT;
        int end = visible[row] + SLOTS - 1 & -SLOTS;
        FloatVector max = FloatVector.broadcast(Lanes.FLOATS, Float.NEGATIVE_INFINITY);
        for (int i = 0; i < end; i += Lanes.LENGTH) {
            FloatVector.fromArray(Lanes.FLOATS, scores, at + i).mul(scale).intoArray(scores, at + i);
        }
        Arrays.fill(scores, at + visible[row], at + end, Float.NEGATIVE_INFINITY);
        for (int i = 0; i < end; i += Lanes.LENGTH) max = max.max(FloatVector.fromArray(Lanes.FLOATS, scores, at + i));
        float greatest = Lanes.max(max);
        FloatVector sum = FloatVector.zero(Lanes.FLOATS);
        for (int i = 0; i < end; i += Lanes.LENGTH) {
            FloatVector weight = Exp.exp(FloatVector.fromArray(Lanes.FLOATS, scores, at + i).sub(greatest));
            weight.intoArray(scores, at + i);
            sum = sum.add(weight);
        }
        part.begin(row, greatest, Lanes.sum(sum));
    }

    private void sumValues(KernelArguments.Attend a, int unit, int rows, int split, int most) {
        for (int at = 0; at < most; at += SLOTS) {
            long address = a.values + offset(a, unit, split * SPLIT + at);
            int slots = Math.min(SLOTS, most - at);
            CachedHeads.widenValues(a.type, address, a.headDim, slots, values, valueWidth);
            for (int r = 0; r < rows; r++) {
                int seen = Math.min(SLOTS, visible[r] - at);
                if (seen > 0) sumValues(scores, r * SPLIT + at, values, seen, valueWidth, part.data(), part.at(r));
            }
        }
    }

    /** acc += Σ weight · value over the first {@code seen} slots, ascending. @param values [16, width] @param acc [width] from {@code to} on */
    private static void sumValues(float[] weights, int at, float[] values, int seen, int width, float[] acc, int to) {
        int d = 0;
        for (; d + 4 * Lanes.LENGTH <= width; d += 4 * Lanes.LENGTH) {
            FloatVector c0 = FloatVector.fromArray(Lanes.FLOATS, acc, to + d);
            FloatVector c1 = FloatVector.fromArray(Lanes.FLOATS, acc, to + d + Lanes.LENGTH);
            FloatVector c2 = FloatVector.fromArray(Lanes.FLOATS, acc, to + d + 2 * Lanes.LENGTH);
            FloatVector c3 = FloatVector.fromArray(Lanes.FLOATS, acc, to + d + 3 * Lanes.LENGTH);
            for (int s = 0; s < seen; s++) {
                FloatVector weight = FloatVector.broadcast(Lanes.FLOATS, weights[at + s]);
                int v = s * width + d;
                c0 = FloatVector.fromArray(Lanes.FLOATS, values, v).fma(weight, c0);
                c1 = FloatVector.fromArray(Lanes.FLOATS, values, v + Lanes.LENGTH).fma(weight, c1);
                c2 = FloatVector.fromArray(Lanes.FLOATS, values, v + 2 * Lanes.LENGTH).fma(weight, c2);
                c3 = FloatVector.fromArray(Lanes.FLOATS, values, v + 3 * Lanes.LENGTH).fma(weight, c3);
            }
            c0.intoArray(acc, to + d);
            c1.intoArray(acc, to + d + Lanes.LENGTH);
            c2.intoArray(acc, to + d + 2 * Lanes.LENGTH);
            c3.intoArray(acc, to + d + 3 * Lanes.LENGTH);
        }
        for (; d < width; d += Lanes.LENGTH) {
            FloatVector c = FloatVector.fromArray(Lanes.FLOATS, acc, to + d);
            for (int s = 0; s < seen; s++) {
                c = FloatVector.fromArray(Lanes.FLOATS, values, s * width + d)
                        .fma(FloatVector.broadcast(Lanes.FLOATS, weights[at + s]), c);
            }
            c.intoArray(acc, to + d);
        }
    }

    private void store(KernelArguments.Attend a, int unit, int row) {
        running.normalise(row, a.headDim, a.output + token(a, unit, row) * a.outputStride + 4L * head(a, unit, row) * a.headDim);
    }
}
