package dev.skald.boot;

import dev.skald.convert.RandomModel;
import dev.skald.model.ModelConfig;
import dev.skald.model.ModelShape;
import dev.skald.tensor.DType;
import dev.skald.text.ChatTemplateFile;
import dev.skald.text.JsonVocabulary;
import dev.skald.text.Tokenizer;
import dev.skald.weights.Checkpoint;
import dev.skald.weights.RandomCheckpoint;
import java.util.Map;
import java.util.Optional;

/** A model of a published shape with random weights, which is nowhere but in memory. */
final class ShapeSource implements ModelSource {
    private final ModelShape shape;
    private final RandomCheckpoint checkpoint;

    /** @param type of the weights, quantised or not */
    ShapeSource(ModelShape shape, DType type, long seed) {
        this.shape = shape;
        checkpoint = RandomModel.weights(shape, type, seed, Runtime.getRuntime().availableProcessors());
    }

    @Override
    public ModelConfig config() {
        return shape.config();
    }

    @Override
    public Checkpoint checkpoint() {
        return checkpoint;
    }

    @Override
    public Tokenizer tokenizer() {
        return Tokenizer.of(RandomModel.vocabulary(shape));
    }

    @Override
    public byte[] tokenizerJson() {
        return JsonVocabulary.write(RandomModel.vocabulary(shape));
    }

    @Override
    public Optional<ChatTemplateFile.Text> chatTemplateText() {
        return Optional.empty();
    }

    @Override
    public Map<String, String> specialTokens() {
        return Map.of("bos_token", "<s>", "eos_token", "</s>");
    }

    @Override
    public void close() {
        checkpoint.close();
    }
}
