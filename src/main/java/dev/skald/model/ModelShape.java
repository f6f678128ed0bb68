package dev.skald.model;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** Shapes of published models, for measuring and testing without their weights. */
public enum ModelShape {
    LLAMA_2_7B("llama-2-7b", 4096, 32, 32, 32, 128, 11008, 32000, 4096, 10_000, false, ""),
    LLAMA_3_8B("llama-3-8b", 4096, 32, 32, 8, 128, 14336, 128256, 8192, 500_000, false, ""),
    LLAMA_3_2_1B("llama-3.2-1b", 2048, 16, 32, 8, 64, 8192, 128256, 131072, 500_000, true,
            "{\"rope_type\":\"llama3\",\"factor\":32.0,\"low_freq_factor\":1.0,\"high_freq_factor\":4.0,\"original_max_position_embeddings\":8192}"),
    TINYLLAMA_1_1B("tinyllama-1.1b", 2048, 22, 32, 4, 64, 5632, 32000, 2048, 10_000, false, ""),
    SMOLLM2_135M("smollm2-135m", 576, 30, 9, 3, 64, 1536, 49152, 8192, 100_000, true, ""),
    SMOLLM2_360M("smollm2-360m", 960, 32, 15, 5, 64, 2560, 49152, 8192, 100_000, true, ""),
    /** No published model: small enough for tests. */
    TINY("tiny", 256, 2, 4, 2, 64, 512, 512, 256, 10_000, false, "");

    private final String label;
    private final String json;

    ModelShape(
            String label, int hidden, int layers, int heads, int kvHeads, int headDim, int intermediate, int vocabulary, int positions, int theta,
            boolean tied, String scaling) {
        this.label = label;
        json = String.format(
                Locale.ROOT,
                """
                {
                  "architectures": ["LlamaForCausalLM"],
                  "model_type": "llama",
                  "hidden_size": %d,
                  "num_hidden_layers": %d,
                  "num_attention_heads": %d,
                  "num_key_value_heads": %d,
                  "head_dim": %d,
                  "intermediate_size": %d,
                  "vocab_size": %d,
                  "max_position_embeddings": %d,
                  "rope_theta": %d.0,%s
                  "rms_norm_eps": 1e-05,
                  "hidden_act": "silu",
                  "attention_bias": false,
                  "mlp_bias": false,
                  "tie_word_embeddings": %s,
                  "bos_token_id": 1,
                  "eos_token_id": 2
                }
                """,
                hidden, layers, heads, kvHeads, headDim, intermediate, vocabulary, positions, theta,
                scaling.isEmpty() ? "" : "\n  \"rope_scaling\": " + scaling + ",", tied);
    }

    /** @param label as people write it, e.g. "llama-2-7b" */
    public static Optional<ModelShape> of(String label) {
        return Arrays.stream(values()).filter(shape -> shape.label.equalsIgnoreCase(label)).findFirst();
    }

    /** All of them, for messages. */
    public static String known() {
        return Arrays.stream(values()).map(ModelShape::label).collect(Collectors.joining(", "));
    }

    public String label() {
        return label;
    }

    /** The config.json of such a model. */
    public String json() {
        return json;
    }

    public ModelConfig config() {
        return new ModelConfig(ConfigObject.parse(label, json), Optional.empty(), ModelConfig.Convention.HUGGING_FACE);
    }
}
