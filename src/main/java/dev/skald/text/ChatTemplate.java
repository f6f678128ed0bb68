package dev.skald.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.skald.text.jinja.JinjaException;
import dev.skald.text.jinja.JinjaLimits;
import dev.skald.text.jinja.JinjaTemplate;
import dev.skald.text.jinja.OwnText;
import dev.skald.text.jinja.RenderedText;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A model's chat template: {@code chat_template.jinja}, else what tokenizer_config.json holds, a string or a named list of which "default" is
 * taken, or "tool_use" where there are tools. Immutable, thread-safe.
 */
public final class ChatTemplate {
    private static final String FILE = "chat_template.jinja";
    private static final String CONFIG = "tokenizer_config.json";
    private static final int MAX_CONFIG_BYTES = 16 << 20;
    private static final ObjectMapper JSON = new ObjectMapper(JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(64).maxStringLength(MAX_CONFIG_BYTES).build())
            .build());

    private final Map<String, JinjaTemplate> templates;
    private final Map<String, Object> tokens;

    private ChatTemplate(Map<String, JinjaTemplate> templates, Map<String, Object> tokens) {
        this.templates = Map.copyOf(templates);
        this.tokens = Map.copyOf(tokens);
    }

    /**
     * @param folder a model folder
     * @return empty if it has no template
     * @throws TokenizerException naming the file, and line and column, if a template is none
     */
    public static Optional<ChatTemplate> find(Path folder) {
        Path file = folder.resolve(FILE);
        Path config = folder.resolve(CONFIG);
        JsonNode settings = Files.exists(config) ? json(config) : JSON.createObjectNode();
        if (Files.exists(file)) return Optional.of(of(file, read(file), settings));
        Map<String, JinjaTemplate> templates = new HashMap<>();
        JsonNode held = settings.path("chat_template");
        if (held.isTextual()) templates.put("default", parse(config, held.asText()));
        for (JsonNode named : held.isArray() ? held : JSON.createArrayNode()) {
            templates.put(named.path("name").asText(), parse(config, named.path("template").asText()));
        }
        return templates.isEmpty() ? Optional.empty() : Optional.of(new ChatTemplate(templates, tokens(settings)));
    }

    /** @param file a template, @param folder the model's, for its special tokens */
    public static ChatTemplate load(Path file, Path folder) {
        Path config = folder.resolve(CONFIG);
        return of(file, read(file), Files.exists(config) ? json(config) : JSON.createObjectNode());
    }

    /** @param tokens values of bos_token and eos_token, where there are some */
    public static ChatTemplate load(Path file, Map<String, String> tokens) {
        Map<String, Object> own = new HashMap<>();
        tokens.forEach((name, token) -> own.put(name, new OwnText(token)));
        return new ChatTemplate(Map.of("default", parse(file, read(file))), own);
    }

    private static ChatTemplate of(Path file, String source, JsonNode settings) {
        return new ChatTemplate(Map.of("default", parse(file, source)), tokens(settings));
    }

    /**
     * @param messages            JSON values; nothing in them is trusted
     * @param tools               JSON values; empty: the template sees none
     * @param args                further variables, JSON values
     * @param addGenerationPrompt whether the assistant's turn is to begin
     * @param continueFinal       the text ends with the last message's content, so that it can go on
     * @throws JinjaException when the template raises or goes wrong
     */
    public RenderedText render(List<Map<String, Object>> messages, List<?> tools, Map<String, ?> args, boolean addGenerationPrompt, boolean continueFinal) {
        Map<String, Object> variables = new HashMap<>(args);
        variables.put("messages", messages);
        variables.put("tools", tools.isEmpty() ? null : tools);
        variables.put("documents", null);
        variables.put("add_generation_prompt", addGenerationPrompt && !continueFinal);
        variables.putAll(tokens);
        RenderedText whole = template(!tools.isEmpty()).render(variables, Clock.systemDefaultZone());
        return continueFinal ? upToContent(whole, messages.getLast()) : whole;
    }

    private JinjaTemplate template(boolean tools) {
        if (tools && templates.containsKey("tool_use")) return templates.get("tool_use");
        JinjaTemplate standard = templates.get("default");
        return standard != null ? standard : templates.values().iterator().next();
    }

    /** Cuts what the template puts after the last message. */
    private static RenderedText upToContent(RenderedText whole, Map<String, Object> last) {
        String content = String.valueOf(last.get("content")).strip();
        int at = whole.text().lastIndexOf(content);
        if (content.isEmpty() || at < 0) throw new IllegalArgumentException("the template does not show the final message as it is, so it can't be continued");
        return whole.upTo(at + content.length());
    }

    private static Map<String, Object> tokens(JsonNode settings) {
        Map<String, Object> tokens = new HashMap<>();
        for (String name : List.of("bos_token", "eos_token", "unk_token", "pad_token")) {
            JsonNode token = settings.path(name);
            if (token.isObject()) token = token.path("content");
            if (token.isTextual()) tokens.put(name, new OwnText(token.asText()));
        }
        return tokens;
    }

    private static JinjaTemplate parse(Path file, String source) {
        try {
            return JinjaTemplate.parse(source, JinjaLimits.DEFAULT);
        } catch (JinjaException e) {
            throw new TokenizerException(file + ": " + e.getMessage(), e);
        }
    }

    private static JsonNode json(Path file) {
        try {
            return JSON.readTree(read(file));
        } catch (JsonProcessingException e) {
            throw new TokenizerException(file + " is no JSON: " + e.getOriginalMessage(), e);
        }
    }

    private static String read(Path file) {
        try {
            if (Files.size(file) > MAX_CONFIG_BYTES) throw new TokenizerException(file + " is larger than " + MAX_CONFIG_BYTES + " bytes");
            return Files.readString(file);
        } catch (IOException e) {
            throw new TokenizerException(file + " can't be read: " + e, e);
        }
    }
}
