package dev.skald.compute.cpu;

import dev.skald.compute.Batch;
import java.util.Arrays;

/**
 * How a step's attention is cut into items that any thread may run. A unit is some tokens of one sequence and some query heads of one
 * key/value head: at most {@link #MAX_ROWS} query rows that read the same keys and values. A unit with a long context is divided by ranges
 * of splits; then each row's splits leave partial results, which are combined afterwards. Divided or not, the same splits combine in the
 * same order, so the cut never shows in a result. Made by the engine thread once per step; arrays are reused.
 */
final class AttentionPlan {
    /** Positions of a split; splits begin at multiples of it. */
    static final int SPLIT_TOKENS = 256;
    /** Query rows of a unit: enough to pay for widening keys and values once for all of them. */
    static final int MAX_ROWS = 32;
    /** Rows × splits of an item that it isn't worth dividing: some tens of microseconds. */
    static final int SMALL_COST = 64;
    /** Items per thread that are wanted where there is enough work, so that the last ones end at about the same time. */
    private static final int ITEMS_PER_THREAD = 8;

    static final AttentionPlan NONE = new AttentionPlan(0, 1);

    private final int threads;
    private final int partialCapacity;

    private int items;
    private int dividedUnits;
    private int partials;
    private int[] itemUnit = new int[256];
    private int[] itemBegin = new int[256];
    private int[] itemEnd = new int[256];
    private int[] divided = new int[64];
    private int units;
    private int[] unitToken = new int[256];
    private int[] unitTokens = new int[256];
    private int[] unitHead = new int[256];
    private int[] unitHeads = new int[256];
    private int[] unitPartial = new int[256];

    /** @param partialCapacity partial results there is room for; what doesn't fit is not divided */
    AttentionPlan(int partialCapacity, int threads) {
        this.partialCapacity = partialCapacity;
        this.threads = threads;
    }

    /** @param heads query heads @param kvHeads key/value heads */
    void make(Batch batch, int heads, int kvHeads) {
        items = 0;
        dividedUnits = 0;
        partials = 0;
        units = 0;
        int headsPerKv = heads / kvHeads;
        int unitHeads = Math.min(headsPerKv, MAX_ROWS);
        int unitTokens = MAX_ROWS / unitHeads;
        long limit = Math.max(SMALL_COST, threads == 1 ? Long.MAX_VALUE : cost(batch) * heads / ((long) threads * ITEMS_PER_THREAD));
        for (int s = 0; s < batch.sequences(); s++) {
            int end = batch.sequenceOffset(s + 1);
            for (int t = batch.sequenceOffset(s); t < end; t += unitTokens) {
                int tokens = Math.min(unitTokens, end - t);
                int splits = batch.position(t + tokens - 1) / SPLIT_TOKENS + 1;
                for (int kv = 0; kv < kvHeads; kv++) {
                    for (int h = 0; h < headsPerKv; h += unitHeads) {
                        add(t, tokens, kv * headsPerKv + h, Math.min(unitHeads, headsPerKv - h), splits, limit);
                    }
                }
            }
        }
    }

    private static long cost(Batch batch) {
        long splits = 0;
        for (int t = 0; t < batch.tokens(); t++) splits += batch.position(t) / SPLIT_TOKENS + 1;
        return splits;
    }

    private void add(int token, int tokens, int head, int heads, int splits, long limit) {
        int unit = units++;
        if (unit == unitToken.length) growUnits();
        unitToken[unit] = token;
        unitTokens[unit] = tokens;
        unitHead[unit] = head;
        unitHeads[unit] = heads;
        int rows = tokens * heads;
        boolean divide = splits > 1 && (long) rows * splits > limit && partials + rows * splits <= partialCapacity;
        unitPartial[unit] = divide ? partials : -1;
        if (!divide) {
            item(unit, 0, splits);
            return;
        }
        partials += rows * splits;
        if (dividedUnits == divided.length) divided = Arrays.copyOf(divided, 2 * divided.length);
        divided[dividedUnits++] = unit;
        int step = (int) Math.max(1, limit / rows);
        for (int split = 0; split < splits; split += step) item(unit, split, Math.min(splits, split + step));
    }

    private void item(int unit, int begin, int end) {
        if (items == itemUnit.length) {
            itemUnit = Arrays.copyOf(itemUnit, 2 * items);
            itemBegin = Arrays.copyOf(itemBegin, 2 * items);
            itemEnd = Arrays.copyOf(itemEnd, 2 * items);
        }
        itemUnit[items] = unit;
        itemBegin[items] = begin;
        itemEnd[items++] = end;
    }

    private void growUnits() {
        int size = 2 * unitToken.length;
        unitToken = Arrays.copyOf(unitToken, size);
        unitTokens = Arrays.copyOf(unitTokens, size);
        unitHead = Arrays.copyOf(unitHead, size);
        unitHeads = Arrays.copyOf(unitHeads, size);
        unitPartial = Arrays.copyOf(unitPartial, size);
    }

    int items() {
        return items;
    }

    int unit(int item) {
        return itemUnit[item];
    }

    int firstSplit(int item) {
        return itemBegin[item];
    }

    int endSplit(int item) {
        return itemEnd[item];
    }

    /** Units whose partial results are to be combined. */
    int dividedUnits() {
        return dividedUnits;
    }

    int dividedUnit(int index) {
        return divided[index];
    }

    /** First token of a unit. */
    int token(int unit) {
        return unitToken[unit];
    }

    int tokens(int unit) {
        return unitTokens[unit];
    }

    /** First query head of a unit. */
    int head(int unit) {
        return unitHead[unit];
    }

    int heads(int unit) {
        return unitHeads[unit];
    }

    /** Query rows of a unit: its tokens' heads, the first token's before the next one's. */
    int rows(int unit) {
        return unitTokens[unit] * unitHeads[unit];
    }

    /** Index of a unit's partial result of (split 0, row 0); that of (s, r) is s · rows + r after it. −1: the unit isn't divided. */
    int partial(int unit) {
        return unitPartial[unit];
    }
}
