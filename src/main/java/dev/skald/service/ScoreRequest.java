package dev.skald.service;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * How likely is each of some continuations of one prompt?
 *
 * @param id            as in {@link InferenceRequest}; its parts run as {@code id/0}, {@code id/1}, …
 * @param prompt        text or ids; empty text where the model begins every text with a token of its own
 * @param continuations 1 … {@value #MAX_CONTINUATIONS}, not empty, each of the prompt's kind
 * @param priority      as in {@link InferenceRequest}, like all that follows
 */
public record ScoreRequest(
        String id,
        Prompt prompt,
        List<Prompt> continuations,
        int priority,
        Optional<Duration> queueTimeout,
        OptionalLong deadlineNanos,
        String cacheSalt,
        boolean cacheBypass) {
    public static final int MAX_CONTINUATIONS = 256;
    public static final int MAX_ID_CHARS = InferenceRequest.MAX_ID_CHARS - 4;

    /** @throws IllegalArgumentException whose message begins with the field's path, as the API calls it */
    public ScoreRequest {
        continuations = List.copyOf(continuations);
        if (id.length() > MAX_ID_CHARS) throw new IllegalArgumentException("options.request_id has more than " + MAX_ID_CHARS + " characters");
        if (prompt instanceof Prompt.Chat) throw new IllegalArgumentException("prompt is a conversation, not text or ids");
        if (continuations.isEmpty()) throw new IllegalArgumentException("continuations is empty");
        if (continuations.size() > MAX_CONTINUATIONS) {
            throw new IllegalArgumentException("continuations has " + continuations.size() + " entries, more than " + MAX_CONTINUATIONS);
        }
        for (int i = 0; i < continuations.size(); i++) {
            Prompt continuation = continuations.get(i);
            if (continuation.getClass() != prompt.getClass()) {
                throw new IllegalArgumentException("continuations[" + i + "] is not of the prompt's kind: both text or both ids");
            }
            boolean empty = switch (continuation) {
                case Prompt.Text(String text) -> text.isEmpty();
                case Prompt.TokenIds(List<Integer> ids) -> ids.isEmpty();
                case Prompt.Chat chat -> throw new IllegalStateException("excluded above");
            };
            if (empty) throw new IllegalArgumentException("continuations[" + i + "] is empty");
        }
    }
}
