package dev.skald.sampling;

import java.util.List;
import java.util.Map;

/**
 * How the next token is chosen from its logits. Filters apply in the order: bias, allowed, banned, minimum tokens, penalties,
 * temperature, top-k, top-p, min-p.
 *
 * @param temperature       0 = greedy (ties to the lowest id), else logits are divided by it; [0, 100]
 * @param topK              0 = off, else the number of most likely tokens kept
 * @param topP              1 = off; the smallest set of tokens whose weights reach this share is kept; (0, 1]
 * @param minP              0 = off; tokens below this share of the most likely one's weight are dropped; [0, 1]
 * @param repetitionPenalty 1 = off; divides positive and multiplies negative logits of tokens in prompt or output; (0, 10]
 * @param presencePenalty   0 = off; subtracted once from logits of tokens in the output; [−2, 2]
 * @param frequencyPenalty  0 = off; subtracted per occurrence in the output; [−2, 2]
 * @param logitBias         token id → amount added to its logit; [−100, 100]
 * @param allowedIds        empty = all; else the only ids that may be drawn
 * @param bannedSequences   a token that would complete one of these in the output is never drawn
 */
public record SamplingParams(
        float temperature,
        int topK,
        float topP,
        float minP,
        float repetitionPenalty,
        float presencePenalty,
        float frequencyPenalty,
        Map<Integer, Float> logitBias,
        List<Integer> allowedIds,
        List<List<Integer>> bannedSequences) {

    public static final int MAX_LOGIT_BIAS = 1024;
    public static final int MAX_ALLOWED_IDS = 65_536;
    public static final int MAX_BANNED_SEQUENCES = 256;
    public static final int MAX_BANNED_LENGTH = 32;

    /** The most likely token, always. */
    public static final SamplingParams GREEDY =
            new SamplingParams(0, 0, 1, 0, 1, 0, 0, Map.of(), List.of(), List.of());

    /** @throws IllegalArgumentException naming the parameter in snake case, as the API calls it, its value and its range */
    public SamplingParams {
        range("temperature", temperature, 0, 100);
        if (topK < 0) throw new IllegalArgumentException("top_k " + topK + " is negative");
        range("top_p", topP, Float.MIN_VALUE, 1);
        range("min_p", minP, 0, 1);
        range("repetition_penalty", repetitionPenalty, Float.MIN_VALUE, 10);
        range("presence_penalty", presencePenalty, -2, 2);
        range("frequency_penalty", frequencyPenalty, -2, 2);
        logitBias = Map.copyOf(logitBias);
        allowedIds = List.copyOf(allowedIds);
        bannedSequences = bannedSequences.stream().map(List::copyOf).toList();
        limit("logit_bias", logitBias.size(), MAX_LOGIT_BIAS);
        limit("allowed_ids", allowedIds.size(), MAX_ALLOWED_IDS);
        limit("banned_sequences", bannedSequences.size(), MAX_BANNED_SEQUENCES);
        logitBias.forEach((id, bias) -> range("logit_bias[" + id + "]", bias, -100, 100));
        for (List<Integer> banned : bannedSequences) {
            if (banned.isEmpty()) throw new IllegalArgumentException("banned_sequences holds an empty sequence");
            limit("banned_sequences entry", banned.size(), MAX_BANNED_LENGTH);
        }
    }

    private static void range(String name, float value, float low, float high) {
        if (!(value >= low && value <= high)) {
            throw new IllegalArgumentException(
                    name + " " + value + " is outside [" + (low == Float.MIN_VALUE ? "more than 0" : low) + ", " + high + "]");
        }
    }

    private static void limit(String name, int size, int max) {
        if (size > max) throw new IllegalArgumentException(name + " has " + size + " entries, more than " + max);
    }
}
