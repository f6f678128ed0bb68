package dev.skald.model.family;

import dev.skald.model.DecoderSpec;
import dev.skald.model.ModelConfig;
import dev.skald.model.ModelException;
import dev.skald.model.TensorNames;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/** All families, by the architecture that config.json names. */
public final class Families {
    private static final TreeMap<String, Function<ModelConfig, DecoderSpec>> KNOWN =
            new TreeMap<>(Map.of("LlamaForCausalLM", Llama::spec, "MistralForCausalLM", Llama::mistral));

    /** For configurations that name their model type only. */
    private static final Map<String, String> BY_TYPE = Map.of("llama", "LlamaForCausalLM", "mistral", "MistralForCausalLM");

    private Families() {}

    /** @throws ModelException for an architecture that isn't known, listing those that are, or a configuration that its family refuses */
    public static DecoderSpec spec(ModelConfig model) {
        String architecture = model.architecture()
                .or(() -> model.modelType().map(type -> BY_TYPE.getOrDefault(type, type)))
                .orElseThrow(() -> new ModelException(model.config().where() + " names no architecture; known are " + known()));
        Function<ModelConfig, DecoderSpec> family = KNOWN.get(architecture);
        if (family == null) {
            throw new ModelException(model.config().where() + " names the architecture " + architecture + ", which is unknown; known are " + known());
        }
        try {
            return family.apply(model);
        } catch (IllegalArgumentException e) {
            throw new ModelException(model.config().where() + ": " + e.getMessage(), e);
        }
    }

    /** What GGUF files call the tensors of a family. @throws ModelException if that isn't known */
    public static TensorNames ggufNames(DecoderSpec spec) {
        return switch (spec.family()) {
            case "llama", "mistral" -> Llama.GGUF_NAMES;
            default -> throw new ModelException("how GGUF files name the tensors of " + spec.family() + " is not known");
        };
    }

    private static String known() {
        return String.join(", ", KNOWN.keySet());
    }
}
