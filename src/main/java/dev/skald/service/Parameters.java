package dev.skald.service;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Finds the field that a parameter's own complaint is about: the records say its name first, in snake case, as the API calls it. */
public final class Parameters {
    private static final Pattern NAME = Pattern.compile("^[a-z][a-z_]*(\\[\\d+])?");
    private static final Map<String, String> GROUPS = Map.ofEntries(
            Map.entry("max_tokens", "stopping"),
            Map.entry("min_tokens", "stopping"),
            Map.entry("stop", "stopping"),
            Map.entry("stop_token_ids", "stopping"),
            Map.entry("logprobs", "output"),
            Map.entry("prompt_logprobs", "output"),
            Map.entry("score_from", "output"),
            Map.entry("temperature", "sampling"),
            Map.entry("top_k", "sampling"),
            Map.entry("top_p", "sampling"),
            Map.entry("min_p", "sampling"),
            Map.entry("repetition_penalty", "sampling"),
            Map.entry("presence_penalty", "sampling"),
            Map.entry("frequency_penalty", "sampling"),
            Map.entry("logit_bias", "sampling"),
            Map.entry("allowed_ids", "sampling"),
            Map.entry("banned_sequences", "sampling"));

    private Parameters() {}

    /** @param complaint of the constructor of {@link SamplingOptions}' parameters, {@link InferenceRequest.Stopping} or {@link InferenceRequest.Output} */
    public static InferenceException refusal(IllegalArgumentException complaint) {
        String sentence = String.valueOf(complaint.getMessage());
        Matcher name = NAME.matcher(sentence);
        String field = "";
        if (name.find()) {
            String bare = name.group().replaceFirst("\\[.*", "");
            if (GROUPS.containsKey(bare)) field = GROUPS.get(bare) + "." + name.group();
        }
        return InferenceException.invalid("INVALID_PARAMETER", field, sentence);
    }
}
