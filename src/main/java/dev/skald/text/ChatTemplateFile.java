package dev.skald.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.skald.text.jinja.JinjaException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Finds a model folder's chat template: chat_template.jinja, else chat_template in tokenizer_config.json, a string or a list by name. */
public final class ChatTemplateFile {
    private static final String JINJA = "chat_template.jinja";
    private static final String CONFIG = "tokenizer_config.json";
    private static final String TOKENS = "special_tokens_map.json";
    private static final List<String> TOKEN_NAMES =
            List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token");

    private ChatTemplateFile() {}

    /**
     * A template as it is written.
     *
     * @param where     names its file in messages
     * @param source    of several the one named default
     * @param withTools for conversations with tools, if there is another one
     */
    public record Text(String where, String source, Optional<String> withTools) {
        /**
         * @param specialTokens bos_token, eos_token, … by name
         * @throws ChatTemplateException if it can't be used
         */
        public ChatTemplate parse(Map<String, String> specialTokens) {
            return ChatTemplateFile.parse(where, source, withTools, specialTokens);
        }
    }

    /**
     * @param folder a model folder
     * @return empty if it has no template
     * @throws ChatTemplateException if it has one that can't be read
     */
    public static Optional<ChatTemplate> load(Path folder) {
        return text(folder).map(text -> text.parse(specialTokens(folder)));
    }

    /** The template that {@link #load} would parse. @throws ChatTemplateException if there is one that can't be read */
    public static Optional<Text> text(Path folder) {
        Path jinja = folder.resolve(JINJA);
        if (Files.isRegularFile(jinja)) return Optional.of(new Text(jinja.toString(), read(jinja), Optional.empty()));
        Path file = folder.resolve(CONFIG);
        JsonNode template = json(file).path("chat_template");
        if (template.isMissingNode() || template.isNull()) return Optional.empty();
        if (template.isTextual()) return Optional.of(new Text(file.toString(), template.asText(), Optional.empty()));
        if (!template.isArray()) throw new ChatTemplateException(file + ": chat_template is neither a string nor a list");
        Map<String, String> byName = new HashMap<>();
        for (JsonNode one : template) {
            if (!one.path("name").isTextual() || !one.path("template").isTextual()) {
                throw new ChatTemplateException(file + ": an entry of chat_template lacks name or template");
            }
            byName.put(one.path("name").asText(), one.path("template").asText());
        }
        String source = byName.get("default");
        if (source == null) throw new ChatTemplateException(file + ": chat_template has no entry named default, only " + byName.keySet());
        return Optional.of(new Text(file.toString(), source, Optional.ofNullable(byName.get("tool_use"))));
    }

    /**
     * A template file by itself, or one that replaces a folder's.
     *
     * @param file          a .jinja file
     * @param specialTokens bos_token, eos_token, … by name
     */
    public static ChatTemplate load(Path file, Map<String, String> specialTokens) {
        return parse(file, read(file), Optional.empty(), specialTokens);
    }

    /** @return bos_token, eos_token, … of a model folder, by name; those that it has */
    public static Map<String, String> specialTokens(Path folder) {
        return specialTokens(folder, json(folder.resolve(CONFIG)));
    }

    private static Map<String, String> specialTokens(Path folder, JsonNode config) {
        Map<String, String> tokens = new HashMap<>();
        JsonNode map = json(folder.resolve(TOKENS));
        for (String name : TOKEN_NAMES) {
            // each is a string, or an object with the string in it
            JsonNode token = config.path(name).isMissingNode() ? map.path(name) : config.path(name);
            String text = token.isTextual() ? token.asText() : token.path("content").asText("");
            if (!text.isEmpty()) tokens.put(name, text);
        }
        return tokens;
    }

    /**
     * A template that stands in another file.
     *
     * @param where         names that file in messages
     * @param withTools     for conversations with tools, if there is another one
     * @param specialTokens bos_token, eos_token, … by name
     */
    public static ChatTemplate parse(String where, String source, Optional<String> withTools, Map<String, String> specialTokens) {
        return parse(Path.of(where), source, withTools, specialTokens);
    }

    private static ChatTemplate parse(Path file, String source, Optional<String> withTools, Map<String, String> tokens) {
        try {
            return ChatTemplate.of(source, withTools, tokens);
        } catch (JinjaException e) {
            throw new ChatTemplateException(file + ": the chat template can't be used: " + e.describe(), e);
        }
    }

    private static JsonNode json(Path file) {
        if (!Files.isRegularFile(file)) return MissingNode.getInstance();
        try {
            return new ObjectMapper().readTree(Files.readAllBytes(file));
        } catch (IOException e) {
            throw new ChatTemplateException(file + " can't be read: " + TokenizerFile.explain(e), e);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new ChatTemplateException(file + " can't be read: " + e, e);
        }
    }
}
