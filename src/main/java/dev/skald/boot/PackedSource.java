package dev.skald.boot;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.skald.model.ConfigObject;
import dev.skald.model.ModelConfig;
import dev.skald.text.ChatTemplateFile;
import dev.skald.text.Tokenizer;
import dev.skald.weights.Checkpoint;
import dev.skald.weights.CheckpointException;
import dev.skald.weights.PackedCheckpoint;
import dev.skald.weights.PackedWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** One packed file. Whatever its source was, it says the rest of a model in the same documents. */
final class PackedSource implements ModelSource {
    private static final String CONVENTION = "convention";
    private static final String CONFIG = "config.json";
    private static final String GENERATION = "generation_config.json";
    private static final String TOKENIZER = "tokenizer.json";
    private static final String TEMPLATE = "chat_template.jinja";
    private static final String TEMPLATE_WITH_TOOLS = "chat_template.tool_use.jinja";
    private static final String SPECIAL_TOKENS = "special_tokens_map.json";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final PackedCheckpoint checkpoint;

    PackedSource(Path file) {
        checkpoint = PackedCheckpoint.open(file);
    }

    /** Writes all of a model but its weights. */
    static void write(ModelSource source, PackedWriter writer) throws IOException {
        ModelConfig config = source.config();
        put(writer, CONVENTION, config.convention().name());
        put(writer, CONFIG, config.config().json());
        if (config.generation().isPresent()) put(writer, GENERATION, config.generation().get().json());
        writer.document(TOKENIZER, source.tokenizerJson());
        Optional<ChatTemplateFile.Text> template = source.chatTemplateText();
        if (template.isPresent()) put(writer, TEMPLATE, template.get().source());
        if (template.isPresent() && template.get().withTools().isPresent()) put(writer, TEMPLATE_WITH_TOOLS, template.get().withTools().get());
        writer.document(SPECIAL_TOKENS, JSON.writeValueAsBytes(source.specialTokens()));
    }

    private static void put(PackedWriter writer, String name, String text) throws IOException {
        writer.document(name, text.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public ModelConfig config() {
        String named = required(CONVENTION);
        for (ModelConfig.Convention convention : ModelConfig.Convention.values()) {
            if (!convention.name().equals(named)) continue;
            return new ModelConfig(
                    ConfigObject.parse(where(CONFIG), required(CONFIG)),
                    text(GENERATION).map(json -> ConfigObject.parse(where(GENERATION), json)),
                    convention);
        }
        throw new CheckpointException(checkpoint.file() + " has tensors named by an unknown convention");
    }

    @Override
    public Checkpoint checkpoint() {
        return checkpoint;
    }

    @Override
    public Tokenizer tokenizer() {
        return Tokenizer.of(where(TOKENIZER), tokenizerJson());
    }

    @Override
    public byte[] tokenizerJson() {
        return checkpoint.document(TOKENIZER).orElseThrow(() -> missing(TOKENIZER));
    }

    @Override
    public Optional<ChatTemplateFile.Text> chatTemplateText() {
        return text(TEMPLATE).map(source -> new ChatTemplateFile.Text(where(TEMPLATE), source, text(TEMPLATE_WITH_TOOLS)));
    }

    @Override
    public Map<String, String> specialTokens() {
        try {
            return JSON.readValue(required(SPECIAL_TOKENS), new TypeReference<Map<String, String>>() {});
        } catch (JsonProcessingException e) {
            throw new CheckpointException(where(SPECIAL_TOKENS) + " is no JSON object of strings", e);
        }
    }

    private String where(String document) {
        return checkpoint.file() + " " + document;
    }

    private String required(String document) {
        return text(document).orElseThrow(() -> missing(document));
    }

    private CheckpointException missing(String document) {
        return new CheckpointException(checkpoint.file() + " has no " + document);
    }

    private Optional<String> text(String document) {
        return checkpoint.document(document).map(bytes -> {
            try {
                return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
            } catch (CharacterCodingException e) {
                throw new CheckpointException(where(document) + " is not UTF-8", e);
            }
        });
    }

    @Override
    public void close() {
        checkpoint.close();
    }
}
