package dev.skald.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.skald.service.Prompt;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Reads a conversation, and tools, as OpenAI and Hugging Face write them in JSON. */
final class MessagesFile {
    private static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    private static final Set<String> KEYS =
            Set.of("role", "content", "name", "reasoning", "reasoning_content", "tool_calls", "tool_call_id");

    private MessagesFile() {}

    /** @return at least one message, oldest first @throws CliException naming the file and what is wrong in it */
    static List<Prompt.Message> messages(Path file) {
        if (!(read(file) instanceof List<?> list) || list.isEmpty()) throw noMessages(file);
        List<Prompt.Message> messages = new ArrayList<>();
        for (int i = 0; i < list.size(); i++) messages.add(message(file, i, list.get(i)));
        return messages;
    }

    /** Messages with whatever keys they have: a template may know more of them than a model's door. */
    static List<Map<String, Object>> anyMessages(Path file) {
        if (!(read(file) instanceof List<?> list) || list.isEmpty()) throw noMessages(file);
        List<Map<String, Object>> messages = new ArrayList<>();
        for (int i = 0; i < list.size(); i++) {
            if (!(list.get(i) instanceof Map<?, ?> map)) throw wrong(file, "message " + i + " is no object");
            Map<String, Object> message = new LinkedHashMap<>();
            map.forEach((key, value) -> message.put((String) key, value));
            messages.add(message);
        }
        return messages;
    }

    private static CliException noMessages(Path file) {
        return wrong(file, "expected a list of messages, such as [{\"role\":\"user\",\"content\":\"Hi\"}]");
    }

    /** @return JSON values, one per tool */
    static List<Object> tools(Path file) {
        if (!(read(file) instanceof List<?> list)) throw wrong(file, "expected a list of tools");
        for (Object tool : list) if (!(tool instanceof Map<?, ?>)) throw wrong(file, "a tool must be an object");
        return List.copyOf(list);
    }

    private static Object read(Path file) {
        try {
            return JSON.readValue(TextFiles.readText(file), new TypeReference<Object>() {});
        } catch (JsonProcessingException e) {
            throw wrong(file, "no JSON: " + e.getOriginalMessage() + " at line " + (e.getLocation() == null ? 1 : e.getLocation().getLineNr()));
        }
    }

    private static Prompt.Message message(Path file, int index, Object value) {
        if (!(value instanceof Map<?, ?> map)) throw wrong(file, "message " + index + " is no object");
        for (Object key : map.keySet()) {
            if (!KEYS.contains(key)) throw wrong(file, "message " + index + " has an unknown key \"" + key + "\"");
        }
        if (!(map.get("role") instanceof String role) || role.isEmpty()) throw wrong(file, "message " + index + " has no \"role\"");
        List<Object> calls = calls(file, index, map.get("tool_calls"));
        return new Prompt.Message(
                role,
                content(file, index, map.get("content"), !calls.isEmpty()),
                string(file, index, map, "name"),
                string(file, index, map, "reasoning").or(() -> string(file, index, map, "reasoning_content")),
                calls,
                string(file, index, map, "tool_call_id"));
    }

    private static List<Object> calls(Path file, int index, Object value) {
        if (value == null) return List.of();
        if (!(value instanceof List<?> list) || list.contains(null)) throw wrong(file, "\"tool_calls\" of message " + index + " is no list of objects");
        return List.copyOf(list);
    }

    private static String content(Path file, int index, Object value, boolean mayMiss) {
        if (value == null && mayMiss) return "";
        if (value instanceof String text) return text;
        if (value instanceof List<?> parts) {
            StringBuilder text = new StringBuilder();
            for (Object part : parts) {
                if (!(part instanceof Map<?, ?> map) || !"text".equals(map.get("type")) || !(map.get("text") instanceof String piece)) {
                    throw wrong(file, "message " + index + " has a content part that is no {\"type\":\"text\",\"text\":…}");
                }
                text.append(piece);
            }
            return text.toString();
        }
        throw wrong(file, "message " + index + " has no \"content\"");
    }

    private static Optional<String> string(Path file, int index, Map<?, ?> map, String key) {
        Object value = map.get(key);
        if (value == null) return Optional.empty();
        if (value instanceof String text) return Optional.of(text);
        throw wrong(file, "\"" + key + "\" of message " + index + " is no text");
    }

    private static CliException wrong(Path file, String what) {
        return CliException.askedWrongly(file + ": " + what);
    }
}
