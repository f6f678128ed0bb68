package dev.skald.openai;

import com.fasterxml.jackson.databind.JsonNode;
import dev.skald.service.InferenceException;
import dev.skald.service.Prompt;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A conversation in OpenAI's JSON. Pure. */
final class Messages {
    static final int MAX_MESSAGES = 4096;

    private Messages() {}

    static List<Prompt.Message> read(JsonNode node, String path) {
        if (!node.isArray()) throw Fields.wrong(path, "is not a list of messages");
        if (node.isEmpty()) throw InferenceException.invalid("EMPTY_PROMPT", path, path + " is empty");
        if (node.size() > MAX_MESSAGES) throw Fields.wrong(path, "has " + node.size() + " entries, more than " + MAX_MESSAGES);
        List<Prompt.Message> messages = new ArrayList<>(node.size());
        for (int i = 0; i < node.size(); i++) messages.add(message(Fields.of(node.get(i), path + "[" + i + "]")));
        return messages;
    }

    private static Prompt.Message message(Fields fields) {
        String role = fields.string("role").filter(r -> !r.isEmpty()).orElseThrow(() -> Fields.wrong(fields.path("role"), "is missing"));
        List<Object> calls = toolCalls(fields);
        Optional<JsonNode> content = fields.take("content");
        if (content.isEmpty() && calls.isEmpty()) throw Fields.wrong(fields.path("content"), "is missing");
        Optional<String> reasoning = fields.string("reasoning_content");
        Prompt.Message message = new Prompt.Message(
                role,
                content.map(node -> text(node, fields.path("content"))).orElse(""),
                fields.string("name"),
                fields.string("reasoning").or(() -> reasoning),
                calls,
                fields.string("tool_call_id"));
        fields.refuse("refusal");
        fields.refuse("audio");
        fields.refuse("function_call");
        fields.end();
        return message;
    }

    private static String text(JsonNode node, String path) {
        if (node.isTextual()) return node.textValue();
        if (!node.isArray()) throw Fields.wrong(path, "is neither a string nor a list of parts");
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < node.size(); i++) {
            Fields part = Fields.of(node.get(i), path + "[" + i + "]");
            String type = part.string("type").orElse("text");
            if (!type.equals("text")) {
                throw InferenceException.invalid("NOT_BUILT", part.path("type"), part.path("type") + " \"" + type + "\": only text can be read");
            }
            text.append(part.string("text").orElseThrow(() -> Fields.wrong(part.path("text"), "is missing")));
            part.end();
        }
        return text.toString();
    }

    /** As templates expect them: JSON values, a call's arguments as an object where they are one. */
    private static List<Object> toolCalls(Fields fields) {
        Optional<JsonNode> node = fields.take("tool_calls");
        if (node.isEmpty()) return List.of();
        String path = fields.path("tool_calls");
        if (!node.get().isArray()) throw Fields.wrong(path, "is not a list");
        List<Object> calls = new ArrayList<>();
        for (int i = 0; i < node.get().size(); i++) calls.add(toolCall(node.get().get(i), path + "[" + i + "]"));
        return calls;
    }

    private static Object toolCall(JsonNode call, String path) {
        JsonNode function = call.path("function");
        if (!function.path("name").isTextual()) throw Fields.wrong(path + ".function.name", "is missing");
        Map<String, Object> value = values(call);
        JsonNode arguments = function.path("arguments");
        if (!arguments.isTextual()) return value;
        Map<String, Object> named = values(function);
        named.put("arguments", arguments.textValue().isBlank() ? Map.of() : values(parsed(arguments.textValue(), path + ".function.arguments")));
        value.put("function", named);
        return value;
    }

    private static JsonNode parsed(String json, String path) {
        try {
            return Json.object(json.getBytes(java.nio.charset.StandardCharsets.UTF_8));
        } catch (InferenceException e) {
            throw InferenceException.invalid(e.reason(), path, path + ": " + e.getMessage());
        }
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> values(JsonNode object) {
        return Json.MAPPER.convertValue(object, Map.class);
    }
}
