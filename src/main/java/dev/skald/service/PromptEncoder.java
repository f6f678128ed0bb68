package dev.skald.service;

import dev.skald.text.Tokenizer;
import java.util.List;
import java.util.Optional;

/** Prompts to token ids. Thread-safe. */
final class PromptEncoder {
    private final Tokenizer tokenizer;
    private final Optional<ChatFormat> chatFormat;
    private final RequestResolver resolver;

    PromptEncoder(Tokenizer tokenizer, Optional<ChatFormat> chatFormat, RequestResolver resolver) {
        this.tokenizer = tokenizer;
        this.chatFormat = chatFormat;
        this.resolver = resolver;
    }

    /** @throws InferenceException for an empty prompt, an id out of the vocabulary, a template that is missing or raises */
    int[] encode(Prompt prompt) {
        return switch (prompt) {
            case Prompt.Text text -> {
                if (text.text().isEmpty()) throw InferenceException.invalid("EMPTY_PROMPT", "text", "the prompt is empty");
                yield tokenizer.encode(text.text(), true);
            }
            case Prompt.TokenIds ids -> {
                if (ids.ids().isEmpty()) throw InferenceException.invalid("EMPTY_PROMPT", "token_ids", "the prompt is empty: token_ids has no ids");
                resolver.checkIds(ids.ids(), "token_ids.ids", "token_ids");
                yield toInts(ids.ids());
            }
            case Prompt.Chat chat -> format(chat).encode(chat);
        };
    }

    String render(Prompt.Chat chat) {
        return format(chat).render(chat);
    }

    private ChatFormat format(Prompt.Chat chat) {
        if (chat.messages().isEmpty()) throw InferenceException.invalid("EMPTY_PROMPT", "messages", "there are no messages to answer");
        return chatFormat.orElseThrow(() -> InferenceException.invalid(
                "NO_CHAT_TEMPLATE", "messages", "this model has no chat template; continue a text instead, or start the server with one"));
    }

    static int[] toInts(List<Integer> ids) {
        return ids.stream().mapToInt(Integer::intValue).toArray();
    }

    /** Whether the answer goes on in the middle of a text, so that a space at its start is part of it. */
    static boolean continuesText(Prompt prompt) {
        return switch (prompt) {
            case Prompt.Text text -> true;
            case Prompt.TokenIds ids -> true;
            case Prompt.Chat chat -> chat.continueFinal();
        };
    }
}
