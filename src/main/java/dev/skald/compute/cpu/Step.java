package dev.skald.compute.cpu;

import dev.skald.compute.Batch;
import dev.skald.compute.BatchLimits;
import dev.skald.compute.HostSlots;

/**
 * The step at hand: the batch that was uploaded last, and what kernels read of it, in arrays. Kernels go by addresses, so everything that
 * becomes one is checked here. Belongs to the engine thread; workers read it while an operation runs.
 */
final class Step {
    final HostSlots slots;
    final CpuKvCache cache;
    /** Per token of the step. */
    final int[] positions;
    final int[] tokenSlots;

    private final BatchLimits limits;
    private Batch batch;
    private int lastPosition;

    /** @param none an empty batch, until the first upload */
    Step(BatchLimits limits, HostSlots slots, CpuKvCache cache, Batch none) {
        this.limits = limits;
        this.slots = slots;
        this.cache = cache;
        batch = none;
        positions = new int[limits.maxTokens()];
        tokenSlots = new int[limits.maxTokens()];
    }

    /** @throws IllegalArgumentException if a slot, block, position or row is out of range */
    void upload(Batch next) {
        for (int c = 0; c < next.tableChanges(); c++) {
            within("slot of a block-table change", next.changeSlot(c), limits.maxSequences());
            within("index of a block-table change", next.changeIndex(c), limits.maxBlocks());
            within("block of a block-table change", next.changeBlock(c), cache.blocks());
        }
        for (int c = 0; c < next.blockCopies(); c++) {
            within("source of a block copy", next.copySource(c), cache.blocks());
            within("target of a block copy", next.copyTarget(c), cache.blocks());
        }
        within("number of tokens", next.tokens(), limits.maxTokens() + 1);
        within("number of rows", next.rows(), limits.maxLogitRows() + 1);
        lastPosition = -1;
        for (int t = 0; t < next.tokens(); t++) {
            positions[t] = next.position(t);
            tokenSlots[t] = next.tokenSlot(t);
            within("position", positions[t], limits.maxBlocks() * CpuKvCache.BLOCK_TOKENS);
            within("slot", tokenSlots[t], limits.maxSequences());
            lastPosition = Math.max(lastPosition, positions[t]);
        }
        for (int r = 0; r < next.rows(); r++) {
            within("token of a row", next.rowToken(r), next.tokens());
            within("slot of a row", next.rowSlot(r), limits.maxSequences());
        }
        slots.applyTableChanges(next);
        batch = next;
    }

    Batch batch() {
        return batch;
    }

    /** The greatest position of the step; −1 without tokens. */
    int lastPosition() {
        return lastPosition;
    }

    private static void within(String what, int value, int end) {
        if (value < 0 || value >= end) throw new IllegalArgumentException(what + " " + value + " is outside 0 … " + (end - 1));
    }
}
