package dev.skald.boot;

import dev.skald.model.TinyModels;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A whole model folder for tests: tiny random weights, a byte-level tokenizer, a ChatML template. */
public final class TinyFolder {
    /** Of the tokenizer, and so of the model. */
    public static final int VOCABULARY = 505;
    public static final int CONTEXT = 256;

    private static final String TEMPLATE = "{% for m in messages %}<|im_start|>{{ m.role }}\\n{{ m.content }}<|im_end|>\\n{% endfor %}"
            + "{% if add_generation_prompt %}<|im_start|>assistant\\n{% endif %}";

    private TinyFolder() {}

    /** Writes the files into a new folder below {@code parent}. @return the folder */
    public static Path write(Path parent, String name, long seed) {
        try {
            Path folder = Files.createDirectory(parent.resolve(name));
            TinyModels.DEFAULT.withVocabulary(VOCABULARY).withPositions(CONTEXT).write(folder, seed);
            Files.copy(tokenizer(), folder.resolve("tokenizer.json"));
            Files.writeString(folder.resolve("tokenizer_config.json"),
                    "{\"eos_token\": \"<|im_end|>\", \"chat_template\": \"" + TEMPLATE + "\"}");
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path tokenizer() {
        try {
            return Path.of(TinyFolder.class.getResource("/golden/tokenizers/bytelevel/tokenizer.json").toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
