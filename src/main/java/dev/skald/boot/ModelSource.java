package dev.skald.boot;

import dev.skald.model.ModelConfig;
import dev.skald.text.ChatTemplate;
import dev.skald.text.ChatTemplateFile;
import dev.skald.text.Tokenizer;
import dev.skald.weights.Checkpoint;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * All that a model's files say, whatever their format; each part is read when it is asked for. Weights stay mapped until it is closed. Used by
 * one thread.
 */
public sealed interface ModelSource extends AutoCloseable permits FolderSource, GgufSource, PackedSource, ShapeSource {
    /**
     * @param model a model folder, a tokenizer.json, a GGUF file or a packed file
     * @throws dev.skald.weights.CheckpointException for a damaged file
     */
    static ModelSource open(Path model) {
        if (Checkpoint.isGguf(model)) return new GgufSource(model);
        return Checkpoint.isPacked(model) ? new PackedSource(model) : new FolderSource(model);
    }

    /** @throws dev.skald.model.ModelException if it is missing, malformed or of an unknown kind */
    ModelConfig config();

    /** @throws dev.skald.weights.CheckpointException if weights are missing or damaged */
    Checkpoint checkpoint();

    /** A new one at each call. @throws dev.skald.text.TokenizerException if there is none that can be used */
    Tokenizer tokenizer();

    /** What {@link #tokenizer} reads: a tokenizer.json, UTF-8. @throws dev.skald.text.TokenizerException if there is none */
    byte[] tokenizerJson();

    /** Empty if there is none. @throws dev.skald.text.ChatTemplateException if there is one that can't be read */
    Optional<ChatTemplateFile.Text> chatTemplateText();

    /** Empty if there is none. @throws dev.skald.text.ChatTemplateException if there is one that can't be used */
    default Optional<ChatTemplate> chatTemplate() {
        return chatTemplateText().map(text -> text.parse(specialTokens()));
    }

    /** bos_token, eos_token, … by name; those that it has. */
    Map<String, String> specialTokens();

    @Override
    void close();
}
