package dev.skald.compute;

import dev.skald.sampling.Sampler;
import dev.skald.sampling.SlotSetup;
import dev.skald.sampling.SlotState;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * What a device keeps per slot from step to step, in host memory: block table, last token, sampling state; and the three sampling operations
 * on one row. For devices that compute on the host. Belongs to the engine thread; within one of the three operations, threads may work on
 * different rows at once, each with its own {@link Sampler}, since no two rows of a step sample for the same slot.
 */
public final class HostSlots {
    private static final int NO_TOKEN = -1;
    /** What a sequence is fed after an invalid row, in steps that were planned before anybody knew: dropped with the sequence, whatever comes of it. */
    private static final int ANY_TOKEN = 0;

    private final int maxBlocks;
    private final MemorySegment blockTables;
    private final int[] lastTokens;
    private final SlotState[] states;

    public HostSlots(BatchLimits limits, int vocabularySize) {
        this(limits, vocabularySize, MemorySegment.ofArray(new int[Math.multiplyExact(limits.maxSequences(), limits.maxBlocks())]));
    }

    /** @param blockTables [slots, maxBlocks] int32, zeros: where a device wants to read block tables; written here only */
    public HostSlots(BatchLimits limits, int vocabularySize, MemorySegment blockTables) {
        maxBlocks = limits.maxBlocks();
        this.blockTables = blockTables;
        lastTokens = new int[limits.maxSequences()];
        Arrays.fill(lastTokens, NO_TOKEN);
        states = new SlotState[limits.maxSequences()];
        Arrays.setAll(states, slot -> new SlotState(vocabularySize));
    }

    /** The slot belongs to a new sequence from here on. Its block table is left as it is: the batch says what changes. */
    public void setSlot(int slot, SlotSetup setup) {
        states[slot].reset(setup);
        lastTokens[slot] = NO_TOKEN;
    }

    /** To be called at upload, before any operation of the step. */
    public void applyTableChanges(Batch batch) {
        for (int c = 0; c < batch.tableChanges(); c++) {
            blockTables.setAtIndex(ValueLayout.JAVA_INT, (long) batch.changeSlot(c) * maxBlocks + batch.changeIndex(c), batch.changeBlock(c));
        }
    }

    public int maxBlocks() {
        return maxBlocks;
    }

    /** The block of a slot's table at {@code index}. */
    public int block(int slot, int index) {
        return blockTables.getAtIndex(ValueLayout.JAVA_INT, (long) slot * maxBlocks + index);
    }

    public SlotState state(int slot) {
        return states[slot];
    }

    /**
     * The id of token {@code t} of the step, −1 resolved to its slot's last token; after an invalid row to some token of the vocabulary.
     *
     * @throws IllegalStateException if the slot has sampled no row yet
     */
    public int tokenId(Batch batch, int t) {
        int id = batch.tokenId(t);
        if (id >= 0) return id;
        int slot = batch.tokenSlot(t);
        int last = lastTokens[slot];
        if (last < 0) throw new IllegalStateException("slot " + slot + " has no last token");
        return last;
    }

    /** Whether {@link #adjust} would change the row's logits; if not, {@link #sample} may read the raw ones. */
    public boolean needsAdjustment(Batch batch, int row) {
        return samples(batch, row) && states[batch.rowSlot(row)].needsAdjustment();
    }

    /** {@link Ops#adjustLogits} for one row; rows that don't sample are left alone. Offsets in bytes, of the row's first logit. */
    public void adjust(Sampler sampler, Batch batch, int row, MemorySegment logits, long offset, MemorySegment adjusted, long adjustedOffset) {
        if (samples(batch, row)) sampler.adjust(logits, offset, adjusted, adjustedOffset, states[batch.rowSlot(row)]);
    }

    /** {@link Ops#sample} for one row: the drawn token goes to the output and becomes the slot's last; a row with a target reports that. */
    public void sample(Sampler sampler, Batch batch, int row, MemorySegment adjusted, long offset, HostStepOutput output) {
        if (!samples(batch, row)) {
            output.setToken(row, batch.rowTarget(row));
            return;
        }
        int slot = batch.rowSlot(row);
        int token = sampler.sample(adjusted, offset, states[slot], batch.position(batch.rowToken(row)) + 1);
        output.setToken(row, token);
        lastTokens[slot] = token >= 0 ? token : ANY_TOKEN;
        if (token >= 0) states[slot].accept(token);
    }

    /** {@link Ops#topLogprobs} for one row, after {@link #sample}: of the token that stands in the output, if the row asked for it. */
    public void topLogprobs(Sampler sampler, Batch batch, int row, MemorySegment logits, long offset, HostStepOutput output) {
        int top = batch.rowTop(row);
        if (top < 0 || output.invalid(row)) return;
        if (!sampler.topLogprobs(logits, offset, output.token(row), top, output.logprobs(), row)) output.setToken(row, Sampler.INVALID);
    }

    private static boolean samples(Batch batch, int row) {
        return batch.rowTarget(row) < 0;
    }
}
