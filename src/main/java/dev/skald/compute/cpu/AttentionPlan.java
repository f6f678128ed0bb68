package dev.skald.compute.cpu;

import dev.skald.compute.Batch;

/**
 * How a step's attention is cut into items that any thread may run. A unit is some tokens of one sequence and some query heads of one
 * key/value head: at most {@link #MAX_ROWS} query rows that read the same keys and values. A unit with a long context is divided by ranges
 * of splits; then each row's splits leave partial results, which are combined afterwards. Divided or not, the same splits combine in the
 * same order, so the cut never shows in a result. Made by the engine thread once per step, in native memory that is used again.
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

    /** int32 of a unit: first token, tokens, first query head, heads, first partial result. As skald.h has it. */
    private static final int UNIT_INTS = 5;
    /** int32 of an item: unit, first split, end of splits. As skald.h has it. */
    private static final int ITEM_INTS = 3;
    private static final int INITIAL = 256;

    private final NativeMemory memory;
    private final int threads;
    private final int partialCapacity;

    private int items;
    private int dividedUnits;
    private int partials;
    private int units;
    private NativeInts itemTable;
    private NativeInts unitTable;
    private NativeInts divided;

    /**
     * @param memory          where the tables lie
     * @param partialCapacity partial results there is room for; what doesn't fit is not divided
     */
    AttentionPlan(NativeMemory memory, int partialCapacity, int threads) {
        this.memory = memory;
        this.partialCapacity = partialCapacity;
        this.threads = threads;
        itemTable = NativeInts.allocate(memory, INITIAL * ITEM_INTS);
        unitTable = NativeInts.allocate(memory, INITIAL * UNIT_INTS);
        divided = NativeInts.allocate(memory, INITIAL);
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
        if (units * UNIT_INTS > unitTable.length()) unitTable = unitTable.grown(memory);
        int rows = tokens * heads;
        boolean divide = splits > 1 && (long) rows * splits > limit && partials + rows * splits <= partialCapacity;
        int at = unit * UNIT_INTS;
        unitTable.set(at, token);
        unitTable.set(at + 1, tokens);
        unitTable.set(at + 2, head);
        unitTable.set(at + 3, heads);
        unitTable.set(at + 4, divide ? partials : -1);
        if (!divide) {
            item(unit, 0, splits);
            return;
        }
        partials += rows * splits;
        if (dividedUnits == divided.length()) divided = divided.grown(memory);
        divided.set(dividedUnits++, unit);
        int step = (int) Math.max(1, limit / rows);
        for (int split = 0; split < splits; split += step) item(unit, split, Math.min(splits, split + step));
    }

    private void item(int unit, int begin, int end) {
        int at = items++ * ITEM_INTS;
        if (at + ITEM_INTS > itemTable.length()) itemTable = itemTable.grown(memory);
        itemTable.set(at, unit);
        itemTable.set(at + 1, begin);
        itemTable.set(at + 2, end);
    }

    /** [units, 5], for kernels that read it themselves. Valid until the next plan. */
    long unitAddress() {
        return unitTable.address();
    }

    /** [items, 3]. Valid until the next plan. */
    long itemAddress() {
        return itemTable.address();
    }

    /** [dividedUnits]: numbers of units. Valid until the next plan. */
    long dividedAddress() {
        return divided.address();
    }

    int items() {
        return items;
    }

    int unit(int item) {
        return itemTable.get(item * ITEM_INTS);
    }

    int firstSplit(int item) {
        return itemTable.get(item * ITEM_INTS + 1);
    }

    int endSplit(int item) {
        return itemTable.get(item * ITEM_INTS + 2);
    }

    /** Units whose partial results are to be combined. */
    int dividedUnits() {
        return dividedUnits;
    }

    int dividedUnit(int index) {
        return divided.get(index);
    }

    /** First token of a unit. */
    int token(int unit) {
        return unitTable.get(unit * UNIT_INTS);
    }

    int tokens(int unit) {
        return unitTable.get(unit * UNIT_INTS + 1);
    }

    /** First query head of a unit. */
    int head(int unit) {
        return unitTable.get(unit * UNIT_INTS + 2);
    }

    int heads(int unit) {
        return unitTable.get(unit * UNIT_INTS + 3);
    }

    /** Query rows of a unit: its tokens' heads, the first token's before the next one's. */
    int rows(int unit) {
        return tokens(unit) * heads(unit);
    }

    /** Index of a unit's partial result of (split 0, row 0); that of (s, r) is s · rows + r after it. −1: the unit isn't divided. */
    int partial(int unit) {
        return unitTable.get(unit * UNIT_INTS + 4);
    }
}
