package dev.skald.engine;

/**
 * A token's log-probability under the raw logits.
 *
 * @param id          the token
 * @param logprob     natural logarithm
 * @param rank        1 = most likely
 * @param topIds      most likely tokens, most likely first, ties to the lowest id
 * @param topLogprobs theirs
 */
public record TokenLogprob(int id, float logprob, int rank, int[] topIds, float[] topLogprobs) {}
