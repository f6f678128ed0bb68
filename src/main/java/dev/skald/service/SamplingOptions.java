package dev.skald.service;

import dev.skald.sampling.SamplingParams;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** Sampling as a request gives it: what is unset follows the model's defaults. Meanings and ranges as in {@link SamplingParams}. */
public record SamplingOptions(
        Optional<Float> temperature,
        OptionalInt topK,
        Optional<Float> topP,
        Optional<Float> minP,
        Optional<Float> repetitionPenalty,
        Optional<Float> presencePenalty,
        Optional<Float> frequencyPenalty,
        Map<Integer, Float> logitBias,
        List<Integer> allowedIds,
        List<List<Integer>> bannedSequences,
        OptionalLong seed,
        int n) {

    public static final int MAX_N = 128;

    public static final SamplingOptions UNSET = new SamplingOptions(
            Optional.empty(), OptionalInt.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(),
            Optional.empty(), Map.of(), List.of(), List.of(), OptionalLong.empty(), 1);

    /** @throws IllegalArgumentException whose message begins with the parameter, as the API calls it */
    public SamplingOptions {
        logitBias = Map.copyOf(logitBias);
        allowedIds = List.copyOf(allowedIds);
        bannedSequences = bannedSequences.stream().map(List::copyOf).toList();
        if (n < 1 || n > MAX_N) throw new IllegalArgumentException("n " + n + " is outside [1, " + MAX_N + "]");
    }

    /** @throws IllegalArgumentException whose message begins with the parameter, as the API calls it, and tells its range */
    public SamplingParams resolve(SamplingParams defaults) {
        return new SamplingParams(
                temperature.orElse(defaults.temperature()),
                topK.orElse(defaults.topK()),
                topP.orElse(defaults.topP()),
                minP.orElse(defaults.minP()),
                repetitionPenalty.orElse(defaults.repetitionPenalty()),
                presencePenalty.orElse(defaults.presencePenalty()),
                frequencyPenalty.orElse(defaults.frequencyPenalty()),
                logitBias,
                allowedIds,
                bannedSequences);
    }
}
