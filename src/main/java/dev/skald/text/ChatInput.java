package dev.skald.text;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A conversation for a template. Its values are JSON's: null, Boolean, Number, String, List and Map. All of them are a request's, and
 * nothing in them ever becomes a special token.
 *
 * @param messages            oldest first: role, content, and what else the template knows (name, tool_calls, tool_call_id, …)
 * @param tools               descriptions of tools; none: the template sees None
 * @param arguments           further variables for the template (enable_thinking, documents, …)
 * @param addGenerationPrompt end with the beginning of an answer
 * @param continueFinal       end inside of the last message, so that it is continued; not together with addGenerationPrompt
 */
public record ChatInput(
        List<Map<String, Object>> messages, List<Object> tools, Map<String, Object> arguments, boolean addGenerationPrompt, boolean continueFinal) {
    /** What a request can't pass as an argument, because it has a place of its own. */
    public static final Set<String> RESERVED = Set.of("messages", "tools", "add_generation_prompt");

    /** @throws IllegalArgumentException saying what is wrong */
    public ChatInput {
        messages = List.copyOf(messages);
        tools = Collections.unmodifiableList(new ArrayList<>(tools));
        arguments = Collections.unmodifiableMap(new java.util.LinkedHashMap<>(arguments));
        for (String name : arguments.keySet()) {
            if (RESERVED.contains(name)) throw new IllegalArgumentException("the template argument \"" + name + "\" is reserved");
        }
        if (addGenerationPrompt && continueFinal) {
            throw new IllegalArgumentException("a message can't be continued and followed by an answer at once");
        }
        if (continueFinal && messages.isEmpty()) throw new IllegalArgumentException("there is no last message to continue");
    }

    /** A conversation that is to be answered. */
    public static ChatInput of(List<Map<String, Object>> messages) {
        return new ChatInput(messages, List.of(), Map.of(), true, false);
    }
}
