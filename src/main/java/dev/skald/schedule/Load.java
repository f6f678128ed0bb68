package dev.skald.schedule;

import java.util.OptionalDouble;

/**
 * How much there is to do and how fast it goes, at one moment. Immutable.
 *
 * @param runningRequests        requests with a sequence that holds a slot
 * @param runningSequences       sequences that hold a slot
 * @param waitingSequences       sequences that wait for their first or next turn
 * @param pausedRequests         requests whose client does not read
 * @param queuedPrefillTokens    known tokens that still have to be computed, waiting or begun
 * @param kvBlocksUsed           blocks that sequences reference
 * @param kvBlocksCached         blocks that only the prefix cache keeps; as good as free
 * @param kvBlocksTotal          all blocks
 * @param prefillTokensPerSecond measured rate of steps with prompts
 * @param decodeStepSeconds      measured time from token to token
 * @param prefilledTokens        tokens of prompts computed so far, again after preemption too
 * @param cachedTokens           tokens found in the prefix cache so far
 * @param generatedTokens        tokens drawn so far
 * @param preemptions            times that a sequence lost its place
 */
public record Load(
        int runningRequests,
        int runningSequences,
        int waitingSequences,
        int pausedRequests,
        long queuedPrefillTokens,
        int kvBlocksUsed,
        int kvBlocksCached,
        int kvBlocksTotal,
        OptionalDouble prefillTokensPerSecond,
        OptionalDouble decodeStepSeconds,
        long prefilledTokens,
        long cachedTokens,
        long generatedTokens,
        long preemptions) {}
