package dev.skald.service;

import dev.skald.schedule.FinishReason;
import java.time.Duration;
import java.util.List;
import java.util.OptionalInt;
import java.util.Optional;

/**
 * What becomes of a request, in this order: Admitted, Started, [PromptScored], Deltas and Finished of its choices interleaved, Completed; or
 * Failed at any point, last.
 */
public sealed interface InferenceEvent {
    /** It has a place in the queue. */
    record Admitted(String requestId) implements InferenceEvent {}

    record Started(String requestId, String model, String fingerprint, long seed, int promptTokens, int cachedTokens) implements InferenceEvent {}

    /** @param tokens of the prompt, from the first scored position on */
    record PromptScored(List<ScoredToken> tokens) implements InferenceEvent {}

    /**
     * @param choice   0 … n − 1
     * @param text     whole UTF-8; may be empty while a stop string could be beginning
     * @param ids      the tokens that this delta completes
     * @param logprobs one per id, if asked for
     */
    record Delta(int choice, String text, List<Integer> ids, List<ScoredToken> logprobs) implements InferenceEvent {}

    /** @param id the eos or stop id that ended it, @param stopString the stop string that did */
    record Finished(int choice, FinishReason reason, OptionalInt id, Optional<String> stopString) implements InferenceEvent {}

    record Completed(Usage usage, Timings timings) implements InferenceEvent {}

    record Failed(InferenceException cause, Usage usage) implements InferenceEvent {}

    /** @param bytes the token's own bytes, which may be part of a character */
    record ScoredToken(int id, float logprob, int rank, byte[] bytes, List<TopToken> top) {}

    record TopToken(int id, float logprob, byte[] bytes) {}

    record Usage(int promptTokens, int completionTokens, int cachedTokens) {
        public static final Usage NONE = new Usage(0, 0, 0);
    }

    record Timings(Duration queue, Duration prefill, Duration decode, int preemptions) {}
}
