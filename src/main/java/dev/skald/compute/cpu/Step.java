package dev.skald.compute.cpu;

import dev.skald.compute.Batch;
import dev.skald.compute.BatchLimits;
import dev.skald.compute.HostSlots;

/**
 * The step at hand: the batch that was uploaded last, and what kernels read of it, in native memory. Kernels go by addresses, so everything that
 * becomes one is checked here. Belongs to the engine thread; workers read it while an operation runs.
 */
final class Step {
    final HostSlots slots;
    final CpuKvCache cache;
    /** Per token of the step. */
    final NativeInts positions;
    final NativeInts tokenSlots;
    /** [slots, maxBlocks], as {@link HostSlots} keeps it. */
    final NativeInts blockTables;

    private final BatchLimits limits;
    private Batch batch;
    private int lastPosition;

    /** @param none an empty batch, until the first upload */
    Step(NativeMemory memory, BatchLimits limits, int vocabularySize, CpuKvCache cache, Batch none) {
        this.limits = limits;
        this.cache = cache;
        batch = none;
        positions = NativeInts.allocate(memory, limits.maxTokens());
        tokenSlots = NativeInts.allocate(memory, limits.maxTokens());
        blockTables = NativeInts.allocate(memory, Math.multiplyExact(limits.maxSequences(), limits.maxBlocks()));
        slots = new HostSlots(limits, vocabularySize, blockTables.memory());
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
            int position = next.position(t);
            int slot = next.tokenSlot(t);
            within("position", position, limits.maxBlocks() * CpuKvCache.BLOCK_TOKENS);
            within("slot", slot, limits.maxSequences());
            positions.set(t, position);
            tokenSlots.set(t, slot);
            lastPosition = Math.max(lastPosition, position);
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
