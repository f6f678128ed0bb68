package dev.skald.model.family;

import dev.skald.compute.Activation;
import dev.skald.model.ConfigObject;
import dev.skald.model.DecoderSpec;
import dev.skald.model.HeadRows;
import dev.skald.model.ModelConfig;
import dev.skald.model.ModelException;
import dev.skald.model.RopeConfig;
import dev.skald.model.TensorNames;

/** Llama 1 to 3 and what is built like them; Mistral where it doesn't slide its window. */
final class Llama {
    private static final int MAX = 1 << 24;
    private static final TensorNames NAMES = new TensorNames(
            "model.embed_tokens",
            "model.norm",
            "lm_head",
            "model.layers.",
            new TensorNames.Layer(
                    "input_layernorm",
                    "self_attn.q_proj",
                    "self_attn.k_proj",
                    "self_attn.v_proj",
                    "self_attn.o_proj",
                    "post_attention_layernorm",
                    "mlp.gate_proj",
                    "mlp.up_proj",
                    "mlp.down_proj"),
            HeadRows.HALVES);
    static final TensorNames GGUF_NAMES = new TensorNames(
            "token_embd",
            "output_norm",
            "output",
            "blk.",
            new TensorNames.Layer(
                    "attn_norm",
                    "attn_q",
                    "attn_k",
                    "attn_v",
                    "attn_output",
                    "ffn_norm",
                    "ffn_gate",
                    "ffn_up",
                    "ffn_down"),
            HeadRows.PAIRS);

    private Llama() {}

    static DecoderSpec spec(ModelConfig model) {
        ConfigObject config = model.config();
        TensorNames names = switch (model.convention()) {
            case HUGGING_FACE -> NAMES;
            case GGUF -> GGUF_NAMES;
        };
        return spec(config, "llama", config.flag("attention_bias", false), config.flag("mlp_bias", false), names);
    }

    static DecoderSpec mistral(ModelConfig model) {
        ConfigObject config = model.config();
        // older configurations mean 4096 where they say nothing, so only an explicit null is no window
        if (config.has("sliding_window") || !config.holds("sliding_window")) {
            throw new ModelException(config.where() + ": Mistral with a sliding window is not built yet");
        }
        return spec(config, "mistral", false, false, NAMES);
    }

    private static DecoderSpec spec(ConfigObject config, String family, boolean attentionBias, boolean mlpBias, TensorNames names) {
        String activation = config.string("hidden_act").orElse("silu");
        if (!activation.equals("silu")) throw new ModelException(config.where() + " has hidden_act = " + activation + "; known is silu");
        int hidden = config.requiredInteger("hidden_size", 1, MAX);
        int heads = config.requiredInteger("num_attention_heads", 1, MAX);
        int maxPositions = config.integer("max_position_embeddings", 1, 1 << 28).orElse(2048);
        return new DecoderSpec(
                family,
                config.requiredInteger("num_hidden_layers", 1, 10_000),
                hidden,
                heads,
                config.integer("num_key_value_heads", 1, MAX).orElse(heads),
                config.integer("head_dim", 1, MAX).orElse(hidden / heads),
                config.requiredInteger("intermediate_size", 1, MAX),
                config.requiredInteger("vocab_size", 1, 1 << 22),
                maxPositions,
                (float) config.number("rms_norm_eps", 0, 1).orElse(1e-6),
                RopeConfig.read(config, maxPositions),
                attentionBias,
                attentionBias,
                mlpBias,
                config.flag("tie_word_embeddings", false),
                Activation.SILU,
                names);
    }
}
