package dev.skald.compute;

import dev.skald.sampling.Sampler;

/**
 * What a step brings back to the host, one entry per row of logits, in the batch's order. Readable after {@link Device#await}. For a row that
 * samples, the token is the one drawn; for a row with a target (prompt log-probabilities), it is that target.
 */
public interface StepOutput {
    /** Whether no token could be drawn; then nothing else of the row means anything, and its sequence fails. {@link #token} says why. */
    boolean invalid(int row);

    /** A token id; of an invalid row {@link Sampler#INVALID} (its logits held a NaN or +∞) or {@link Sampler#NOTHING_LEFT} (by its filters). */
    int token(int row);

    /** Natural log-probability of {@link #token} under the raw logits. Only for rows that asked for it. */
    float logprob(int row);

    /** 1 = most likely. Only for rows that asked for it. */
    int rank(int row);

    /** Token id of the k-th most likely token, k from 0. Only up to the number that the row asked for. */
    int topToken(int row, int k);

    float topLogprob(int row, int k);
}
