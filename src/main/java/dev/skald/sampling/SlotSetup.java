package dev.skald.sampling;

import java.util.List;

/**
 * What a device slot must know of a sequence before its first sampled token: sent when the sequence takes the slot, also after preemption.
 *
 * @param params    the filters
 * @param seed      the key of Philox
 * @param choice    0 … n − 1, part of the counter
 * @param minTokens tokens in {@code endIds} can't be drawn before this many were generated
 * @param endIds    end-of-sequence and stop ids
 * @param prompt    token ids of the prompt
 * @param generated token ids generated before (not empty only after preemption)
 */
public record SlotSetup(
        SamplingParams params, long seed, int choice, int minTokens, List<Integer> endIds, int[] prompt, int[] generated) {
    public SlotSetup {
        endIds = List.copyOf(endIds);
    }
}
