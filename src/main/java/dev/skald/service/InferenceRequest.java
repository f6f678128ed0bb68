package dev.skald.service;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * One request, as every door gives it.
 *
 * @param id            chosen by the client, else by the door
 * @param model         empty: the one that is served
 * @param prompt        text, ids or a conversation
 * @param sampling      what differs from the model's defaults
 * @param stopping      when it ends
 * @param output        what is wanted back
 * @param priority      lower runs sooner, −100 … 100
 * @param queueTimeout  longest wait before the first step
 * @param deadlineNanos on the clock of {@link System#nanoTime}
 * @param cacheSalt     prompts share cached work only under the same salt
 * @param cacheBypass   neither reads nor fills the prefix cache
 * @param unary         the client sees nothing before the end
 */
public record InferenceRequest(
        String id,
        String model,
        Prompt prompt,
        SamplingOptions sampling,
        Stopping stopping,
        Output output,
        int priority,
        Optional<Duration> queueTimeout,
        OptionalLong deadlineNanos,
        String cacheSalt,
        boolean cacheBypass,
        boolean unary) {
    public static final int MAX_ID_CHARS = 128;
    public static final int MAX_SALT_CHARS = 256;
    public static final int MAX_PRIORITY = 100;

    /** @throws IllegalArgumentException whose message begins with the field's path, as the API calls it */
    public InferenceRequest {
        if (id.isEmpty() || id.length() > MAX_ID_CHARS || !id.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
            throw new IllegalArgumentException("options.request_id must be 1 to " + MAX_ID_CHARS + " printable ASCII characters without a space");
        }
        if (priority < -MAX_PRIORITY || priority > MAX_PRIORITY) {
            throw new IllegalArgumentException("options.priority " + priority + " is outside [-" + MAX_PRIORITY + ", " + MAX_PRIORITY + "]");
        }
        if (queueTimeout.isPresent() && !queueTimeout.get().isPositive()) {
            throw new IllegalArgumentException("options.queue_timeout " + queueTimeout.get() + " is not more than 0");
        }
        if (cacheSalt.length() > MAX_SALT_CHARS) {
            throw new IllegalArgumentException("options.cache.salt has more than " + MAX_SALT_CHARS + " characters");
        }
    }

    /**
     * @param maxTokens     empty: to the end of the context
     * @param minTokens     no end before this many
     * @param stopStrings   the text ends before the first of them
     * @param stopIds       end ids of this request
     * @param includeStop   keep the stop string in the text
     * @param ignoreEos     go on past the model's end token
     */
    public record Stopping(
            OptionalInt maxTokens, int minTokens, List<String> stopStrings, List<Integer> stopIds, boolean includeStop, boolean ignoreEos) {
        public static final int MAX_STOP_STRINGS = 16;
        public static final int MAX_STOP_CHARS = 256;
        public static final int MAX_STOP_IDS = 64;
        public static final Stopping DEFAULT = new Stopping(OptionalInt.empty(), 0, List.of(), List.of(), false, false);

        /** @throws IllegalArgumentException whose message begins with the field, as the API calls it */
        public Stopping {
            stopStrings = List.copyOf(stopStrings);
            stopIds = List.copyOf(stopIds);
            if (maxTokens.isPresent() && maxTokens.getAsInt() < 0) throw new IllegalArgumentException("max_tokens " + maxTokens.getAsInt() + " is negative");
            if (minTokens < 0) throw new IllegalArgumentException("min_tokens " + minTokens + " is negative");
            if (maxTokens.isPresent() && minTokens > maxTokens.getAsInt()) {
                throw new IllegalArgumentException("min_tokens " + minTokens + " is more than max_tokens " + maxTokens.getAsInt());
            }
            if (stopStrings.size() > MAX_STOP_STRINGS) throw new IllegalArgumentException("stop_strings has more than " + MAX_STOP_STRINGS + " entries");
            if (stopIds.size() > MAX_STOP_IDS) throw new IllegalArgumentException("stop_token_ids has more than " + MAX_STOP_IDS + " entries");
            for (int i = 0; i < stopStrings.size(); i++) {
                String s = stopStrings.get(i);
                if (s.isEmpty()) throw new IllegalArgumentException("stop_strings[" + i + "] is empty");
                if (s.length() > MAX_STOP_CHARS) {
                    throw new IllegalArgumentException("stop_strings[" + i + "] is longer than " + MAX_STOP_CHARS + " characters");
                }
            }
        }
    }

    /**
     * @param topLogprobs       −1: none; 0 … 20 most likely tokens beside each drawn one
     * @param promptTopLogprobs the same for the prompt
     * @param scoreFrom         first prompt position to score, in tokens; at least 1
     * @param skipSpecial       leave special tokens out of the text
     */
    public record Output(int topLogprobs, int promptTopLogprobs, int scoreFrom, boolean skipSpecial) {
        public static final int MAX_TOP_LOGPROBS = 20;
        public static final Output DEFAULT = new Output(-1, -1, 1, true);

        /** @throws IllegalArgumentException whose message begins with the field, as the API calls it */
        public Output {
            if (topLogprobs < -1 || topLogprobs > MAX_TOP_LOGPROBS) throw new IllegalArgumentException("logprobs.top_n " + topLogprobs + " is outside [0, 20]");
            if (promptTopLogprobs < -1 || promptTopLogprobs > MAX_TOP_LOGPROBS) {
                throw new IllegalArgumentException("prompt_logprobs.top_n " + promptTopLogprobs + " is outside [0, 20]");
            }
            if (scoreFrom < 1) throw new IllegalArgumentException("prompt_logprobs.from " + scoreFrom + " is less than 1: the first prompt token has no log-probability");
        }
    }
}
