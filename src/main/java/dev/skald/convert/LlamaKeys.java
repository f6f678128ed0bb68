package dev.skald.convert;

import dev.skald.model.DecoderSpec;
import dev.skald.model.Rope;
import dev.skald.tensor.DType;
import dev.skald.weights.GgufWriter;

/** What a GGUF file of the architecture {@code llama} says of a decoder. */
final class LlamaKeys {
    private static final String ARCHITECTURE = "llama";
    /** Version of the block layouts, as files state it. */
    private static final int QUANTISATION_VERSION = 2;

    private LlamaKeys() {}

    /** @throws ConversionException for what such a file can't express */
    static void put(GgufWriter writer, String name, DecoderSpec spec, DType type) {
        writer.put("general.architecture", ARCHITECTURE).put("general.name", name);
        putType(writer, type);
        put(writer, "block_count", spec.layers());
        put(writer, "context_length", spec.maxPositions());
        put(writer, "embedding_length", spec.hidden());
        put(writer, "feed_forward_length", spec.intermediate());
        put(writer, "attention.head_count", spec.heads());
        put(writer, "attention.head_count_kv", spec.kvHeads());
        put(writer, "attention.key_length", spec.headDim());
        put(writer, "attention.value_length", spec.headDim());
        put(writer, "rope.dimension_count", spec.headDim());
        put(writer, "vocab_size", spec.vocabulary());
        writer.put(key("attention.layer_norm_rms_epsilon"), spec.normEps());
        writer.put(key("rope.freq_base"), (float) spec.rope().theta());
        putScaling(writer, spec.rope().scaling());
    }

    /** The keys that change with the element type. */
    static void putType(GgufWriter writer, DType type) {
        writer.put("general.file_type", fileType(type)).put("general.quantization_version", QUANTISATION_VERSION);
    }

    private static void putScaling(GgufWriter writer, Rope.Scaling scaling) {
        switch (scaling) {
            case Rope.Default d -> {}
            case Rope.Linear linear -> {
                writer.put(key("rope.scaling.type"), "linear");
                writer.put(key("rope.scaling.factor"), (float) linear.factor());
            }
            // their divisors are a tensor
            case Rope.Llama3 l -> {}
            case Rope.Divided d -> {}
            case Rope.Yarn yarn -> {
                double usual = yarn.factor() <= 1 ? 1 : 0.1 * StrictMath.log(yarn.factor()) + 1;
                if (Math.abs(yarn.attentionFactor() - usual) > 1e-6 || !yarn.truncate()) {
                    throw new ConversionException("a YaRN scaling with an attention factor of its own, or without truncation, has no place in a GGUF file");
                }
                writer.put(key("rope.scaling.type"), "yarn");
                writer.put(key("rope.scaling.factor"), (float) yarn.factor());
                put(writer, "rope.scaling.original_context_length", yarn.originalPositions());
                writer.put(key("rope.scaling.yarn_beta_fast"), (float) yarn.betaFast());
                writer.put(key("rope.scaling.yarn_beta_slow"), (float) yarn.betaSlow());
            }
        }
    }

    private static void put(GgufWriter writer, String end, int value) {
        writer.put(key(end), value);
    }

    private static String key(String end) {
        return ARCHITECTURE + "." + end;
    }

    /** The number that files give to "mostly of this type"; for people, readers look at each tensor. */
    private static int fileType(DType type) {
        return switch (type) {
            case F32 -> 0;
            case F16 -> 1;
            case Q4_0 -> 2;
            case Q4_1 -> 3;
            case Q8_0 -> 7;
            case Q5_0 -> 8;
            case Q5_1 -> 9;
            case Q2_K -> 10;
            case Q3_K -> 11;
            case Q4_K -> 14;
            case Q5_K -> 16;
            case Q6_K -> 18;
            case IQ4_NL -> 25;
            case BF16 -> 32;
            case I32 -> throw new IllegalArgumentException("no file is mostly integers");
        };
    }
}
