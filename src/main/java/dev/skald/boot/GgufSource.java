package dev.skald.boot;

import dev.skald.model.GgufConfig;
import dev.skald.model.ModelConfig;
import dev.skald.text.ChatTemplateFile;
import dev.skald.text.JsonVocabulary;
import dev.skald.text.Tokenizer;
import dev.skald.weights.Checkpoint;
import dev.skald.weights.GgufCheckpoint;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** One GGUF file, or the first of its parts: configuration, weights, vocabulary and chat template in one. */
final class GgufSource implements ModelSource {
    private static final String TEMPLATE = "tokenizer.chat_template";

    private final GgufCheckpoint checkpoint;
    private Optional<GgufVocabulary> vocabulary = Optional.empty();

    GgufSource(Path file) {
        checkpoint = GgufCheckpoint.open(file);
    }

    @Override
    public ModelConfig config() {
        return GgufConfig.of(checkpoint, vocabulary().endIds());
    }

    @Override
    public Checkpoint checkpoint() {
        return checkpoint;
    }

    @Override
    public Tokenizer tokenizer() {
        return Tokenizer.of(vocabulary().vocabulary());
    }

    @Override
    public byte[] tokenizerJson() {
        return JsonVocabulary.write(vocabulary().vocabulary());
    }

    @Override
    public Optional<ChatTemplateFile.Text> chatTemplateText() {
        return checkpoint.metadata().string(TEMPLATE).map(template ->
                new ChatTemplateFile.Text(checkpoint.metadata().file(), template, checkpoint.metadata().string(TEMPLATE + ".tool_use")));
    }

    @Override
    public Map<String, String> specialTokens() {
        return vocabulary().specialTokens();
    }

    private GgufVocabulary vocabulary() {
        if (vocabulary.isEmpty()) vocabulary = Optional.of(GgufVocabulary.read(checkpoint.metadata()));
        return vocabulary.get();
    }

    @Override
    public void close() {
        checkpoint.close();
    }
}
