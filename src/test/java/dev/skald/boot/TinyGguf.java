package dev.skald.boot;

import dev.skald.weights.GgufBytes;
import dev.skald.weights.GgufCheckpoint;
import dev.skald.weights.GgufMetadata;
import java.nio.file.Path;
import java.util.Random;

/** A whole GGUF model for tests: tiny random weights, a real vocabulary, a ChatML template. */
public final class TinyGguf {
    public static final int CONTEXT = 256;
    public static final Path VOCABULARY = Path.of("src/test/resources/golden/vocabularies/smollm.gguf");
    private static final int HIDDEN = 32;
    private static final int KV = 16;
    private static final int INTERMEDIATE = 64;
    private static final int LAYERS = 2;
    private static final int MAX = 10_000;
    private static final String TEMPLATE = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
            + "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

    private TinyGguf() {}

    /** @return {@code path} */
    public static Path write(Path path, long seed) {
        GgufBytes bytes = keys();
        vocabulary(bytes);
        bytes.string("tokenizer.chat_template", TEMPLATE);
        return weights(bytes, vocabularySize(), seed).write(path);
    }

    /** Architecture and sizes; no vocabulary, no tensors. */
    public static GgufBytes keys() {
        return new GgufBytes()
                .string("general.architecture", "llama")
                .int32("llama.block_count", LAYERS)
                .int32("llama.context_length", CONTEXT)
                .int32("llama.embedding_length", HIDDEN)
                .int32("llama.feed_forward_length", INTERMEDIATE)
                .int32("llama.attention.head_count", 4)
                .int32("llama.attention.head_count_kv", 2)
                .float32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    }

    static void vocabulary(GgufBytes bytes) {
        try (GgufCheckpoint source = GgufCheckpoint.open(VOCABULARY)) {
            GgufMetadata from = source.metadata();
            bytes.string("tokenizer.ggml.model", from.string("tokenizer.ggml.model").orElseThrow())
                    .string("tokenizer.ggml.pre", from.string("tokenizer.ggml.pre").orElseThrow())
                    .strings("tokenizer.ggml.tokens", from.strings("tokenizer.ggml.tokens", MAX))
                    .integers("tokenizer.ggml.token_type", from.integers("tokenizer.ggml.token_type", MAX))
                    .strings("tokenizer.ggml.merges", from.strings("tokenizer.ggml.merges", MAX))
                    .int32("tokenizer.ggml.bos_token_id", 0)
                    .int32("tokenizer.ggml.eos_token_id", 0);
        }
    }

    static int vocabularySize() {
        try (GgufCheckpoint source = GgufCheckpoint.open(VOCABULARY)) {
            return source.metadata().strings("tokenizer.ggml.tokens", MAX).size();
        }
    }

    /** Random tensors of those sizes; the head is tied. */
    static GgufBytes weights(GgufBytes bytes, int vocabulary, long seed) {
        Random random = new Random(seed);
        matrix(bytes, random, "token_embd.weight", vocabulary, HIDDEN);
        bytes.tensor("output_norm.weight", ones(), HIDDEN);
        for (int i = 0; i < LAYERS; i++) {
            String layer = "blk." + i + ".";
            bytes.tensor(layer + "attn_norm.weight", ones(), HIDDEN).tensor(layer + "ffn_norm.weight", ones(), HIDDEN);
            matrix(bytes, random, layer + "attn_q.weight", HIDDEN, HIDDEN);
            matrix(bytes, random, layer + "attn_k.weight", KV, HIDDEN);
            matrix(bytes, random, layer + "attn_v.weight", KV, HIDDEN);
            matrix(bytes, random, layer + "attn_output.weight", HIDDEN, HIDDEN);
            matrix(bytes, random, layer + "ffn_gate.weight", INTERMEDIATE, HIDDEN);
            matrix(bytes, random, layer + "ffn_up.weight", INTERMEDIATE, HIDDEN);
            matrix(bytes, random, layer + "ffn_down.weight", HIDDEN, INTERMEDIATE);
        }
        return bytes;
    }

    private static void matrix(GgufBytes bytes, Random random, String name, int rows, int cols) {
        float[] values = new float[rows * cols];
        for (int i = 0; i < values.length; i++) values[i] = (float) (random.nextGaussian() / Math.sqrt(cols));
        bytes.tensor(name, values, rows, cols);
    }

    private static float[] ones() {
        float[] ones = new float[HIDDEN];
        java.util.Arrays.fill(ones, 1);
        return ones;
    }
}
