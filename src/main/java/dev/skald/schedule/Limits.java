package dev.skald.schedule;

import dev.skald.compute.BatchLimits;

/**
 * A maximum for everything that requests can make grow. What is beyond is refused or waits; nothing is allocated past it.
 *
 * @param maxQueued        requests that wait; one more is OVERLOADED
 * @param maxSequences     sequences that run at once, and device slots; each choice of a request is one
 * @param maxBatchedTokens tokens in one step
 * @param maxLogitRows     rows of logits in one step
 * @param maxPrefills      prompts that are computed at once; the others of their class wait, so that the first is soon done
 * @param maxModelLength   tokens of prompt and answer together
 * @param maxChoices       n of a request
 * @param maxTopLogprobs   most likely tokens reported beside a token
 * @param kvBlocks         blocks of the KV cache
 * @param blockTokens      tokens in a block
 */
public record Limits(
        int maxQueued,
        int maxSequences,
        int maxBatchedTokens,
        int maxLogitRows,
        int maxPrefills,
        int maxModelLength,
        int maxChoices,
        int maxTopLogprobs,
        int kvBlocks,
        int blockTokens) {

    /** Characters of a request id. */
    public static final int MAX_ID_CHARS = 256;
    /** Characters of a cache salt. */
    public static final int MAX_SALT_CHARS = 256;
    /** Eos and stop ids of a request together. */
    public static final int MAX_END_IDS = 256;

    /** @throws IllegalArgumentException naming the limit, its value and what it must hold */
    public Limits {
        positive("max queued requests", maxQueued);
        positive("max sequences", maxSequences);
        positive("max prefills", maxPrefills);
        positive("max model length", maxModelLength);
        positive("tokens per block", blockTokens);
        if (maxModelLength < 2) throw new IllegalArgumentException("a context of " + maxModelLength + " holds no prompt and answer");
        if (maxBatchedTokens < maxSequences) {
            throw new IllegalArgumentException(
                    "a step of " + maxBatchedTokens + " tokens can't hold one of each of " + maxSequences + " sequences");
        }
        if (maxLogitRows < maxSequences) {
            throw new IllegalArgumentException(maxLogitRows + " rows of logits are too few for " + maxSequences + " sequences");
        }
        if (maxChoices < 1 || maxChoices > maxSequences) {
            throw new IllegalArgumentException("max choices " + maxChoices + " is outside [1, " + maxSequences + " sequences]");
        }
        if (maxTopLogprobs < 0) throw new IllegalArgumentException("max top log-probabilities " + maxTopLogprobs + " is negative");
        if (kvBlocks < blocks(maxModelLength, blockTokens)) {
            throw new IllegalArgumentException("a KV cache of " + kvBlocks + " blocks × " + blockTokens + " tokens can't hold one sequence of "
                    + maxModelLength + " tokens");
        }
    }

    /** Blocks of one full-length sequence. */
    public int blocksPerSequence() {
        return blocks(maxModelLength);
    }

    /** Blocks that hold this many tokens. */
    public int blocks(int tokens) {
        return blocks(tokens, blockTokens);
    }

    /** Blocks that stay free when a request is let in beside others, so that those who run can grow for a while. */
    public int watermarkBlocks() {
        return Math.max(1, kvBlocks / 100);
    }

    /** Capacities of a step, for the device. */
    public BatchLimits batch() {
        return new BatchLimits(maxBatchedTokens, maxSequences, maxLogitRows, blocksPerSequence(), maxTopLogprobs);
    }

    /** What the numbers mean, for people: one sentence per line. */
    public String explain() {
        long tokens = (long) kvBlocks * blockTokens;
        return String.format(
                java.util.Locale.ROOT,
                "KV cache %,d blocks × %d tokens = %,d tokens, %,d full-length sequences of %,d%n"
                        + "up to %,d sequences run at once, %,d requests wait, %,d tokens in a step",
                kvBlocks, blockTokens, tokens, tokens / maxModelLength, maxModelLength, maxSequences, maxQueued, maxBatchedTokens);
    }

    private static int blocks(int tokens, int blockTokens) {
        return (tokens + blockTokens - 1) / blockTokens;
    }

    private static void positive(String name, int value) {
        if (value < 1) throw new IllegalArgumentException(name + " " + value + " is not positive");
    }
}
