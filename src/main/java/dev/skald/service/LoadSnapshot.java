package dev.skald.service;

import java.util.OptionalDouble;

/**
 * How busy the engine is.
 *
 * @param running                sequences that take part in steps
 * @param waiting                requests in the queue
 * @param paused                 sequences whose client doesn't read
 * @param queuedPrefillTokens    prompt tokens still to be computed
 * @param kvBlocksUsed           blocks held by requests
 * @param kvBlocksCached         blocks held by the prefix cache alone, given up when room is needed
 * @param kvBlocksTotal          all blocks
 * @param kvBlockTokens          tokens in a block
 * @param prefillTokensPerSecond measured; empty until something was
 * @param decodeTokensPerSecond  measured, of all sequences together; empty until something was
 */
public record LoadSnapshot(
        int running,
        int waiting,
        int paused,
        long queuedPrefillTokens,
        int kvBlocksUsed,
        int kvBlocksCached,
        int kvBlocksTotal,
        int kvBlockTokens,
        OptionalDouble prefillTokensPerSecond,
        OptionalDouble decodeTokensPerSecond) {}
