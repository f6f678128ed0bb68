package dev.skald.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.skald.openai.Bodies;
import dev.skald.openai.Defaults;
import dev.skald.service.InferenceException;
import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What a batch's lines get where they say nothing: by the names of `generate`, put into a body by OpenAI's. */
final class BatchFlags {
    private static final String SPLIT = FlagSources.SEPARATOR;

    @Option(names = {"-n", "--max-tokens"}, paramLabel = "N", description = "Most tokens to generate (default: to the end of the context).")
    Integer maxTokens;

    @Option(names = "--min-tokens", paramLabel = "N", description = "No end before so many tokens (default: 0).")
    Integer minTokens;

    @Option(names = "--temperature", paramLabel = "T", description = "0: always the most likely token (default: the model's own).")
    Float temperature;

    @Mixin
    FilterFlags filters = new FilterFlags();

    @Option(names = "--n", paramLabel = "N", description = "Answers to each prompt (default: 1).")
    Integer choices;

    @Option(names = "--stop", paramLabel = "TEXT", split = SPLIT, description = "End an answer before this text. Repeatable.")
    List<String> stop = List.of();

    @Option(names = "--ignore-eos", arity = "0..1", fallbackValue = "true", paramLabel = "BOOL", description = "Go on past the model's end token.")
    Boolean ignoreEos;

    @Option(names = "--logprobs", paramLabel = "N", description = "Log-probabilities of the answers' tokens, and of the N most likely ones (0 to 20).")
    Integer logprobs;

    @Option(names = "--seed", paramLabel = "S",
            description = "A line without a seed of its own gets one made of this and its custom_id (default: 0).")
    long seed;

    /** @throws CliException for a value outside its range */
    Defaults defaults() {
        ObjectNode fields = new ObjectMapper().createObjectNode();
        if (maxTokens != null) fields.put("max_tokens", maxTokens);
        if (minTokens != null) fields.put("min_tokens", minTokens);
        if (temperature != null) fields.put("temperature", temperature);
        if (filters.topK != null) fields.put("top_k", filters.topK);
        if (filters.topP != null) fields.put("top_p", filters.topP);
        if (filters.minP != null) fields.put("min_p", filters.minP);
        if (filters.repetitionPenalty != null) fields.put("repetition_penalty", filters.repetitionPenalty);
        if (filters.presencePenalty != null) fields.put("presence_penalty", filters.presencePenalty);
        if (filters.frequencyPenalty != null) fields.put("frequency_penalty", filters.frequencyPenalty);
        if (choices != null) fields.put("n", choices);
        if (!stop.isEmpty()) stop.forEach(fields.putArray("stop")::add);
        if (ignoreEos != null) fields.put("ignore_eos", ignoreEos);
        if (logprobs != null) fields.put("logprobs", logprobs);
        check(fields);
        return new Defaults(fields);
    }

    /** A mistake here would be one on every line. */
    private static void check(ObjectNode fields) {
        ObjectNode body = fields.deepCopy();
        body.put("prompt", "x");
        try {
            Bodies.read(Bodies.COMPLETIONS, body);
        } catch (InferenceException e) {
            throw CliException.askedWrongly(e.getMessage());
        }
    }
}
