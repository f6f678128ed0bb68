package dev.skald.service;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What is to be continued. */
public sealed interface Prompt {
    /** Trusted text: special tokens in it are parsed. */
    record Text(String text) implements Prompt {}

    /** Passed to the engine as they are. */
    record TokenIds(List<Integer> ids) implements Prompt {
        public TokenIds {
            ids = List.copyOf(ids);
        }
    }

    /**
     * A conversation, rendered by the model's template; nothing in it ever becomes a special token.
     *
     * @param messages      oldest first
     * @param tools         JSON values (maps, lists, strings, numbers, booleans) that the template gets as {@code tools}
     * @param templateArgs  further variables for the template, JSON values
     * @param continueFinal the last message, an assistant's, is to be continued rather than answered
     */
    record Chat(List<Message> messages, List<Object> tools, Map<String, Object> templateArgs, boolean continueFinal) implements Prompt {
        public Chat {
            messages = List.copyOf(messages);
            tools = List.copyOf(tools);
            templateArgs = Map.copyOf(templateArgs);
        }
    }

    /**
     * @param role       system, user, assistant, tool, …
     * @param content    its text; empty when there are only tool calls
     * @param name       who speaks
     * @param reasoning  earlier thoughts of an assistant
     * @param toolCalls  JSON values
     * @param toolCallId what a tool's message answers
     */
    record Message(
            String role,
            String content,
            Optional<String> name,
            Optional<String> reasoning,
            List<Object> toolCalls,
            Optional<String> toolCallId) {
        public Message {
            toolCalls = List.copyOf(toolCalls);
        }

        public static Message of(String role, String content) {
            return new Message(role, content, Optional.empty(), Optional.empty(), List.of(), Optional.empty());
        }
    }
}
