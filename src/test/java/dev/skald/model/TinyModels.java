package dev.skald.model;

import dev.skald.tensor.DType;
import dev.skald.weights.SafetensorsFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/**
 * Random tiny Llama models for tests: a folder with config.json, generation_config.json and model.safetensors, no tokenizer. The same seed
 * gives the same files.
 *
 * @param vocabulary  rows of embedding and head
 * @param hidden      width of the residual stream
 * @param layers      number of layers
 * @param heads       query heads
 * @param kvHeads     key/value heads
 * @param headDim     elements per head
 * @param bias        whether all projections have biases
 * @param tiedHead    whether the embedding is the head
 * @param positions   context length in tokens
 * @param dtype       of the file
 * @param endId       id that ends a sequence
 */
public record TinyModels(
        int vocabulary, int hidden, int layers, int heads, int kvHeads, int headDim, boolean bias, boolean tiedHead, int positions, DType dtype, int endId) {
    public static final TinyModels DEFAULT = new TinyModels(61, 24, 2, 4, 2, 6, false, false, 512, DType.F32, 2);

    public TinyModels withVocabulary(int ids) {
        return new TinyModels(ids, hidden, layers, heads, kvHeads, headDim, bias, tiedHead, positions, dtype, endId);
    }

    public TinyModels withPositions(int length) {
        return new TinyModels(vocabulary, hidden, layers, heads, kvHeads, headDim, bias, tiedHead, length, dtype, endId);
    }

    public TinyModels withDtype(DType type) {
        return new TinyModels(vocabulary, hidden, layers, heads, kvHeads, headDim, bias, tiedHead, positions, type, endId);
    }

    public TinyModels withBias() {
        return new TinyModels(vocabulary, hidden, layers, heads, kvHeads, headDim, true, tiedHead, positions, dtype, endId);
    }

    public TinyModels withTiedHead() {
        return new TinyModels(vocabulary, hidden, layers, heads, kvHeads, headDim, bias, true, positions, dtype, endId);
    }

    private int intermediate() {
        return 2 * hidden + 1;
    }

    /** Writes the files into an existing folder. @return the folder */
    public Path write(Path folder, long seed) {
        try {
            Files.writeString(folder.resolve("config.json"), config());
            Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\": " + endId + "}\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        weights(seed).write(folder.resolve("model.safetensors"));
        return folder;
    }

    public String config() {
        return """
                {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": %d, "hidden_size": %d, "intermediate_size": %d,
                 "num_hidden_layers": %d, "num_attention_heads": %d, "num_key_value_heads": %d, "head_dim": %d, "attention_bias": %b,
                 "mlp_bias": %b, "tie_word_embeddings": %b, "max_position_embeddings": %d, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
                 "bos_token_id": 1, "eos_token_id": %d}
                """
                .formatted(vocabulary, hidden, intermediate(), layers, heads, kvHeads, headDim, bias, bias, tiedHead, positions, endId);
    }

    public SafetensorsFile weights(long seed) {
        Random random = new Random(seed);
        SafetensorsFile file = new SafetensorsFile();
        add(file, random, "model.embed_tokens.weight", 0.5, vocabulary, hidden);
        for (int i = 0; i < layers; i++) {
            String layer = "model.layers." + i + ".";
            norm(file, random, layer + "input_layernorm.weight");
            linear(file, random, layer + "self_attn.q_proj", heads * headDim, hidden);
            linear(file, random, layer + "self_attn.k_proj", kvHeads * headDim, hidden);
            linear(file, random, layer + "self_attn.v_proj", kvHeads * headDim, hidden);
            linear(file, random, layer + "self_attn.o_proj", hidden, heads * headDim);
            norm(file, random, layer + "post_attention_layernorm.weight");
            linear(file, random, layer + "mlp.gate_proj", intermediate(), hidden);
            linear(file, random, layer + "mlp.up_proj", intermediate(), hidden);
            linear(file, random, layer + "mlp.down_proj", hidden, intermediate());
        }
        norm(file, random, "model.norm.weight");
        if (!tiedHead) add(file, random, "lm_head.weight", 0.5, vocabulary, hidden);
        return file;
    }

    private void linear(SafetensorsFile file, Random random, String name, int out, int in) {
        add(file, random, name + ".weight", 1.5 / Math.sqrt(in), out, in);
        if (bias) add(file, random, name + ".bias", 0.3, out);
    }

    private void norm(SafetensorsFile file, Random random, String name) {
        float[] values = new float[hidden];
        for (int i = 0; i < hidden; i++) values[i] = (float) (1 + 0.2 * random.nextGaussian());
        file.add(name, dtype, values, hidden);
    }

    private void add(SafetensorsFile file, Random random, String name, double deviation, long... shape) {
        long elements = 1;
        for (long d : shape) elements *= d;
        float[] values = new float[(int) elements];
        for (int i = 0; i < values.length; i++) values[i] = (float) (deviation * random.nextGaussian());
        file.add(name, dtype, values, shape);
    }
}
