package dev.skald.schedule;

import dev.skald.sampling.SamplingParams;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * A request in token ids, every default resolved.
 *
 * @param id               unique among running requests, for logs and abort
 * @param prompt           token ids, not empty
 * @param sampling         filters
 * @param seed             key of the random numbers
 * @param choices          n: answers drawn from the one prompt; at least 1
 * @param maxTokens        empty: to the end of the context; 0 is allowed when the prompt is only scored
 * @param minTokens        end ids can't be drawn before
 * @param eosIds           the model's end ids; empty when they are to be ignored
 * @param stopIds          the request's own end ids
 * @param topLogprobs      −1: none; else log-probabilities of drawn tokens and of that many most likely ones
 * @param promptTopLogprobs −1: none; else the same for prompt tokens
 * @param scoreFrom        first prompt position whose token is scored (at least 1; the first token has no probability); prompt
 *                         log-probabilities bypass the prefix cache from here on
 * @param priority         lower runs sooner, −100 … 100
 * @param deadlineNanos    on the clock of {@link System#nanoTime}; empty: none
 * @param queueTimeoutNanos longest wait before the first step
 * @param cacheSalt        prompts share cached blocks only under the same salt
 * @param cacheBypass      neither reads nor fills the prefix cache
 * @param unary            the client gets nothing before the end, so the deadline must cover all of {@code minTokens}
 */
public record EngineRequest(
        String id,
        int[] prompt,
        SamplingParams sampling,
        long seed,
        int choices,
        OptionalInt maxTokens,
        int minTokens,
        List<Integer> eosIds,
        List<Integer> stopIds,
        int topLogprobs,
        int promptTopLogprobs,
        int scoreFrom,
        int priority,
        OptionalLong deadlineNanos,
        OptionalLong queueTimeoutNanos,
        String cacheSalt,
        boolean cacheBypass,
        boolean unary) {
    public EngineRequest {
        eosIds = List.copyOf(eosIds);
        stopIds = List.copyOf(stopIds);
    }
}
