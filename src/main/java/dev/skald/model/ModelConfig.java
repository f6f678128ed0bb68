package dev.skald.model;

import dev.skald.sampling.SamplingParams;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a model folder, or a GGUF file's metadata in the same words, says about its model.
 *
 * @param config     config.json
 * @param generation generation_config.json, if there is one
 * @param convention whose names its tensors have
 */
public record ModelConfig(ConfigObject config, Optional<ConfigObject> generation, Convention convention) {
    private static final int MAX_ID = Integer.MAX_VALUE;

    /** Who named the tensors. */
    public enum Convention {
        HUGGING_FACE,
        GGUF
    }

    /** Of a folder in Hugging Face layout. */
    public ModelConfig(ConfigObject config, Optional<ConfigObject> generation) {
        this(config, generation, Convention.HUGGING_FACE);
    }

    /** @throws ModelException if config.json is missing or one of the two is malformed */
    public static ModelConfig read(Path folder) {
        Path generation = folder.resolve("generation_config.json");
        return new ModelConfig(
                ConfigObject.read(folder.resolve("config.json")),
                Files.exists(generation) ? Optional.of(ConfigObject.read(generation)) : Optional.empty());
    }

    /** The first of "architectures", e.g. "LlamaForCausalLM". */
    public Optional<String> architecture() {
        return config.strings("architectures").stream().findFirst();
    }

    /** "model_type", e.g. "llama". */
    public Optional<String> modelType() {
        return config.string("model_type");
    }

    /**
     * Ids that end a sequence: of generation_config.json, else of config.json. Ids outside the vocabulary, which no model can produce, are
     * left out.
     */
    public List<Integer> endIds(int vocabulary) {
        List<Integer> ids = generation.map(g -> g.integers("eos_token_id", -1, MAX_ID)).orElse(List.of());
        if (ids.isEmpty()) ids = config.integers("eos_token_id", -1, MAX_ID);
        return ids.stream().filter(id -> id >= 0 && id < vocabulary).distinct().toList();
    }

    /**
     * Sampling where a request leaves it unset: what generation_config.json says, else temperature 1. Its {@code "do_sample": false} means
     * greedy, whatever else stands there; {@code top_k} 0 or −1 and {@code top_p} 1 mean off.
     */
    public SamplingParams samplingDefaults() {
        if (generation.isEmpty()) return sampling(1, 0, 1, 0, 1);
        ConfigObject g = generation.get();
        boolean greedy = !g.flag("do_sample", true);
        try {
            return sampling(
                    greedy ? 0 : g.number("temperature", 0, 100).orElse(1),
                    Math.max(0, g.integer("top_k", -1, Integer.MAX_VALUE).orElse(0)),
                    g.number("top_p", 0, 1).orElse(1),
                    g.number("min_p", 0, 1).orElse(0),
                    g.number("repetition_penalty", 0, 10).orElse(1));
        } catch (IllegalArgumentException e) {
            throw new ModelException(g.where() + ": " + e.getMessage(), e);
        }
    }

    private static SamplingParams sampling(double temperature, int topK, double topP, double minP, double repetition) {
        return new SamplingParams(
                (float) temperature, topK, (float) topP, (float) minP, (float) repetition, 0, 0, Map.of(), List.of(), List.of());
    }
}
