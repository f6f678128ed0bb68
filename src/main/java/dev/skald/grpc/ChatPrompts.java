package dev.skald.grpc;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.skald.api.v1.ChatMessage;
import dev.skald.api.v1.ContentPart;
import dev.skald.api.v1.ToolCall;
import dev.skald.service.InferenceException;
import dev.skald.service.Prompt;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Conversations, from the API's words to the service's. Pure. */
final class ChatPrompts {
    static final int MAX_MESSAGES = 4096;
    static final int MAX_JSON_DEPTH = 64;

    private static final ObjectMapper JSON = new ObjectMapper(JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(MAX_JSON_DEPTH).maxNumberLength(100).build())
            .build()).enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private ChatPrompts() {}

    /** @throws InferenceException with the path of the field at fault */
    static Prompt.Chat prompt(List<ChatMessage> messages, String templateArgsJson, boolean continueFinal) {
        if (messages.isEmpty()) throw InferenceException.invalid("EMPTY_PROMPT", "messages", "the conversation has no messages");
        if (messages.size() > MAX_MESSAGES) {
            throw InferenceException.invalid("OUT_OF_RANGE", "messages", "messages has " + messages.size() + " entries, more than " + MAX_MESSAGES);
        }
        List<Prompt.Message> turns = new ArrayList<>();
        for (int i = 0; i < messages.size(); i++) turns.add(message("messages[" + i + "]", messages.get(i)));
        if (continueFinal && !turns.getLast().role().equals("assistant")) {
            throw InferenceException.invalid("OUT_OF_RANGE", "continue_final", "continue_final needs a last message of role assistant, not "
                    + Fields.quote(turns.getLast().role()));
        }
        Map<String, Object> args = templateArgsJson.isEmpty() ? Map.of() : object("template_args_json", templateArgsJson);
        return new Prompt.Chat(turns, List.of(), args, continueFinal);
    }

    static void refuseTools(int tools, boolean toolChoice) {
        if (tools > 0) throw Fields.notBuilt("tools", "tools");
        if (toolChoice) throw Fields.notBuilt("tool_choice", "tool_choice");
    }

    private static Prompt.Message message(String path, ChatMessage message) {
        if (message.getRole().isEmpty()) throw InferenceException.invalid("OUT_OF_RANGE", path + ".role", path + ".role is empty");
        StringBuilder content = new StringBuilder();
        for (int i = 0; i < message.getContentCount(); i++) {
            ContentPart part = message.getContent(i);
            switch (part.getPartCase()) {
                case TEXT -> content.append(part.getText());
                case PART_NOT_SET -> throw InferenceException.invalid(
                        "OUT_OF_RANGE", path + ".content[" + i + "]", path + ".content[" + i + "] holds nothing");
            }
        }
        List<Object> toolCalls = new ArrayList<>();
        for (int i = 0; i < message.getToolCallsCount(); i++) toolCalls.add(toolCall(path + ".tool_calls[" + i + "]", message.getToolCalls(i)));
        return new Prompt.Message(
                message.getRole(), content.toString(),
                message.hasName() ? Optional.of(message.getName()) : Optional.empty(),
                message.hasReasoning() ? Optional.of(message.getReasoning()) : Optional.empty(),
                toolCalls,
                message.hasToolCallId() ? Optional.of(message.getToolCallId()) : Optional.empty());
    }

    /** In the shape that templates expect. */
    private static Map<String, Object> toolCall(String path, ToolCall call) {
        Map<String, Object> function = new LinkedHashMap<>();
        function.put("name", call.getName());
        function.put("arguments", call.getArgumentsJson().isEmpty() ? Map.of() : object(path + ".arguments_json", call.getArgumentsJson()));
        Map<String, Object> value = new LinkedHashMap<>();
        value.put("id", call.getId());
        value.put("type", "function");
        value.put("function", function);
        return value;
    }

    private static Map<String, Object> object(String path, String json) {
        try {
            if (JSON.readValue(json, Object.class) instanceof Map<?, ?> map) {
                Map<String, Object> object = new LinkedHashMap<>();
                map.forEach((key, value) -> object.put((String) key, value));
                if (object.containsValue(null)) {
                    throw InferenceException.invalid("OUT_OF_RANGE", path, path + " holds null; leave the key out instead");
                }
                return object;
            }
            throw InferenceException.invalid("MALFORMED_JSON", path, path + " is no JSON object");
        } catch (JsonProcessingException e) {
            String where = e.getLocation() == null ? "" : " at line " + e.getLocation().getLineNr() + ", column " + e.getLocation().getColumnNr();
            throw InferenceException.invalid("MALFORMED_JSON", path, path + " is no JSON" + where + ": " + e.getOriginalMessage());
        }
    }
}
