package dev.skald.boot;

import dev.skald.model.ModelConfig;
import dev.skald.text.ChatTemplateFile;
import dev.skald.text.Tokenizer;
import dev.skald.weights.Checkpoint;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** A folder in Hugging Face layout, with weights in safetensors or as PyTorch saves them. */
final class FolderSource implements ModelSource {
    private final Path folder;
    private Optional<Checkpoint> checkpoint = Optional.empty();

    FolderSource(Path folder) {
        this.folder = folder;
    }

    @Override
    public ModelConfig config() {
        return ModelConfig.read(folder);
    }

    @Override
    public Checkpoint checkpoint() {
        if (checkpoint.isEmpty()) checkpoint = Optional.of(Checkpoint.open(folder));
        return checkpoint.get();
    }

    @Override
    public Tokenizer tokenizer() {
        return Tokenizer.load(folder);
    }

    @Override
    public byte[] tokenizerJson() {
        return Tokenizer.json(folder);
    }

    @Override
    public Optional<ChatTemplateFile.Text> chatTemplateText() {
        return ChatTemplateFile.text(folder);
    }

    @Override
    public Map<String, String> specialTokens() {
        return ChatTemplateFile.specialTokens(folder);
    }

    @Override
    public void close() {
        checkpoint.ifPresent(Checkpoint::close);
    }
}
