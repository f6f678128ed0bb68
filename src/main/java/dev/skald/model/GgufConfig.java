package dev.skald.model;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.skald.tensor.DType;
import dev.skald.tensor.Elements;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import dev.skald.weights.GgufCheckpoint;
import dev.skald.weights.GgufMetadata;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Says in the words of config.json and generation_config.json what a GGUF file's metadata and tensors say, so that a family has one source of
 * facts. Whatever would change the arithmetic and isn't built is refused by its key.
 */
public final class GgufConfig {
    /** Divisors of the rotary frequencies, [headDim / 2] f32. */
    static final String ROPE_FACTORS = "rope_freqs.weight";
    /** The rope_type that such divisors get in a configuration. */
    static final String DIVIDED = "divided";

    private static final int MAX_INT = 1 << 28;
    private static final Map<String, String> ARCHITECTURES = Map.of("llama", "LlamaForCausalLM");
    /** Behind the architecture's name; each may be there as long as it has no effect. */
    private static final List<String> NOT_ZERO =
            List.of("expert_count", "attention.sliding_window", "attention.clamp_kqv", "attn_logit_softcapping", "final_logit_softcapping",
                    "logit_scale", "embedding_scale", "residual_scale", "attention.scale", "attention.max_alibi_bias");

    private final GgufCheckpoint checkpoint;
    private final GgufMetadata metadata;
    private final String architecture;
    private final ObjectNode config = JsonNodeFactory.instance.objectNode();

    private GgufConfig(GgufCheckpoint checkpoint, String architecture) {
        this.checkpoint = checkpoint;
        this.metadata = checkpoint.metadata();
        this.architecture = architecture;
    }

    /**
     * @param endIds tokens that end a sequence, as the file's vocabulary says
     * @throws ModelException for an unknown architecture, a missing key or one that asks for what isn't built
     */
    public static ModelConfig of(GgufCheckpoint checkpoint, List<Integer> endIds) {
        GgufMetadata metadata = checkpoint.metadata();
        String architecture = metadata.string("general.architecture")
                .orElseThrow(() -> new ModelException(metadata.file() + " has no general.architecture"));
        String known = ARCHITECTURES.get(architecture);
        if (known == null) {
            throw new ModelException(metadata.file() + " is of the GGUF architecture " + architecture + ", which is unknown; known are "
                    + String.join(", ", ARCHITECTURES.keySet().stream().sorted().toList()));
        }
        GgufConfig config = new GgufConfig(checkpoint, architecture);
        config.config.putArray("architectures").add(known);
        config.config.put("model_type", architecture);
        config.read();
        ArrayNode ends = config.config.putArray("eos_token_id");
        endIds.forEach(ends::add);
        return new ModelConfig(ConfigObject.of(metadata.file(), config.config), generation(metadata), ModelConfig.Convention.GGUF);
    }

    private void read() {
        for (String key : NOT_ZERO) {
            if (metadata.number(key(key)).orElse(0) != 0) throw refused(key(key), "not built yet");
        }
        if (!metadata.flag(key("attention.causal")).orElse(true)) throw refused(key("attention.causal"), "only causal models generate text");
        required("block_count", "num_hidden_layers");
        required("context_length", "max_position_embeddings");
        required("embedding_length", "hidden_size");
        required("feed_forward_length", "intermediate_size");
        int heads = required("attention.head_count", "num_attention_heads");
        optional("attention.head_count_kv").ifPresent(n -> config.put("num_key_value_heads", n));
        config.put("rms_norm_eps", metadata.number(key("attention.layer_norm_rms_epsilon"))
                .orElseThrow(() -> missing(key("attention.layer_norm_rms_epsilon"))));
        int headDim = optional("attention.key_length").orElse(config.get("hidden_size").intValue() / Math.max(1, heads));
        same("attention.value_length", headDim);
        same("rope.dimension_count", headDim);
        config.put("head_dim", headDim);
        config.put("vocab_size", vocabulary());
        // which tensors are there is part of the configuration: no key says it
        config.put("tie_word_embeddings", !checkpoint.names().contains("output.weight"));
        config.put("attention_bias", checkpoint.names().contains("blk.0.attn_q.bias"));
        config.put("mlp_bias", checkpoint.names().contains("blk.0.ffn_gate.bias"));
        rope();
    }

    private long vocabulary() {
        if (!checkpoint.names().contains("token_embd.weight")) throw new ModelException(metadata.file() + " has no tensor token_embd.weight");
        return checkpoint.shape("token_embd.weight").dim(0);
    }

    private void rope() {
        config.put("rope_theta", metadata.number(key("rope.freq_base")).orElse(10_000));
        String kind = metadata.string(key("rope.scaling.type")).orElse("none");
        boolean factors = checkpoint.names().contains(ROPE_FACTORS);
        // before there were kinds
        double linear = metadata.number(key("rope.scale_linear")).orElse(1);
        if (kind.equals("none") && linear != 1) {
            scaling("linear").put("factor", linear);
        } else if (factors && !kind.equals("none")) {
            throw refused(key("rope.scaling.type"), "not together with " + ROPE_FACTORS);
        } else if (factors) {
            divisors(scaling(DIVIDED).putArray("divisors"));
        } else {
            scaled(kind);
        }
    }

    private void scaled(String kind) {
        switch (kind) {
            case "none" -> {}
            case "linear" -> scaling(kind).put("factor", metadata.number(key("rope.scaling.factor")).orElseThrow(() -> missing(key("rope.scaling.factor"))));
            case "yarn" -> {
                ObjectNode scaling = scaling(kind);
                copy("rope.scaling.factor", scaling, "factor");
                copy("rope.scaling.yarn_beta_fast", scaling, "beta_fast");
                copy("rope.scaling.yarn_beta_slow", scaling, "beta_slow");
                optional("rope.scaling.original_context_length").ifPresent(n -> scaling.put("original_max_position_embeddings", n));
                for (String key : List.of("rope.scaling.attn_factor", "rope.scaling.yarn_attn_factor", "rope.scaling.yarn_ext_factor")) {
                    if (metadata.number(key(key)).orElse(1) != 1) throw refused(key(key), "only 1 is built");
                }
            }
            default -> throw refused(key("rope.scaling.type"), "known are none, linear and yarn");
        }
    }

    private ObjectNode scaling(String kind) {
        return config.putObject("rope_scaling").put("rope_type", kind);
    }

    private void divisors(ArrayNode list) {
        Tensor factors = checkpoint.tensor(ROPE_FACTORS);
        Shape shape = factors.shape();
        if (factors.dtype() != DType.F32 || shape.rank() != 1 || shape.elements() > 1 << 12) {
            throw new ModelException("tensor " + ROPE_FACTORS + " of " + metadata.file() + " is " + factors.dtype() + shape + ", expected a short list of F32");
        }
        for (long i = 0; i < shape.elements(); i++) list.add((double) Elements.get(DType.F32, factors.data(), i));
    }

    /** What the file recommends for sampling, if it does. */
    private static Optional<ConfigObject> generation(GgufMetadata metadata) {
        ObjectNode generation = JsonNodeFactory.instance.objectNode();
        Map<String, String> fields = Map.of(
                "temp", "temperature", "top_k", "top_k", "top_p", "top_p", "min_p", "min_p", "penalty_repeat", "repetition_penalty");
        fields.forEach((from, to) -> metadata.number("general.sampling." + from).ifPresent(value -> generation.put(to, value)));
        return generation.isEmpty() ? Optional.empty() : Optional.of(ConfigObject.of(metadata.file() + " general.sampling", generation));
    }

    private int required(String key, String field) {
        int value = optional(key).orElseThrow(() -> missing(key(key)));
        config.put(field, value);
        return value;
    }

    private Optional<Integer> optional(String key) {
        if (metadata.isList(key(key))) throw refused(key(key), "layers that differ are not built yet");
        var value = metadata.integer(key(key));
        if (value.isEmpty()) return Optional.empty();
        if (value.getAsLong() < 1 || value.getAsLong() > MAX_INT) throw refused(key(key), "expected a whole number in [1, " + MAX_INT + "]");
        return Optional.of((int) value.getAsLong());
    }

    private void same(String key, int headDim) {
        optional(key).filter(n -> n != headDim).ifPresent(n -> {
            throw refused(key(key), "heads have " + headDim + " elements, and parts of heads are not built yet");
        });
    }

    private void copy(String key, ObjectNode to, String field) {
        metadata.number(key(key)).ifPresent(value -> to.put(field, value));
    }

    private String key(String end) {
        return architecture + "." + end;
    }

    private ModelException missing(String key) {
        return new ModelException(metadata.file() + " has no " + key);
    }

    private ModelException refused(String key, String why) {
        return new ModelException(metadata.file() + " has " + key + " = " + metadata.shown(key) + ": " + why);
    }
}
