package dev.skald.compute;

/**
 * Capacities of a step; everything per step is allocated to them once.
 *
 * @param maxTokens       tokens in one step
 * @param maxSequences    sequences in one step, and device slots
 * @param maxLogitRows    rows of logits in one step; bounds {@code maxLogitRows × vocabulary} floats
 * @param maxBlocks       blocks in one sequence's table
 * @param maxTopLogprobs  most likely tokens reported for a row
 */
public record BatchLimits(int maxTokens, int maxSequences, int maxLogitRows, int maxBlocks, int maxTopLogprobs) {
    public BatchLimits {
        if (maxTokens < 1 || maxSequences < 1 || maxLogitRows < 1 || maxBlocks < 1 || maxTopLogprobs < 0) {
            throw new IllegalArgumentException("limits must be positive");
        }
        if (maxLogitRows < maxSequences) throw new IllegalArgumentException("each sequence of a step needs a row of logits");
    }

    /** Block-table entries that may change in one step: what its tokens can need, plus whole tables of newly placed sequences. */
    public int maxTableChanges() {
        return Math.multiplyExact(maxSequences, maxBlocks) + maxTokens;
    }
}
