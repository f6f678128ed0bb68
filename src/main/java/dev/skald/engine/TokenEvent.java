package dev.skald.engine;

import dev.skald.schedule.EngineRequest;
import dev.skald.schedule.Failure;
import dev.skald.schedule.FinishReason;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What the engine says of a request, in this order: Admitted, Started, [PromptScored], Tokens and Finished of its choices interleaved,
 * Completed; or Failed at any point, last. Exactly one Completed or Failed.
 */
public sealed interface TokenEvent {
    /** It has a place in the queue. */
    record Admitted() implements TokenEvent {}

    /** Its first step was planned. @param cachedTokens prompt tokens whose keys and values were in the prefix cache */
    record Started(int promptTokens, int cachedTokens) implements TokenEvent {}

    /** @param logprobs of prompt tokens from {@link EngineRequest#scoreFrom} on, in order */
    record PromptScored(List<TokenLogprob> logprobs) implements TokenEvent {}

    /** @param index 0 for the choice's first token; the token that ends the choice (eos, stop id) is told like any other */
    record Token(int choice, int index, int id, Optional<TokenLogprob> logprob) implements TokenEvent {}

    /** @param tokens generated tokens that count; later ones were taken back; @param id the eos or stop id */
    record Finished(int choice, FinishReason reason, int tokens, OptionalInt id) implements TokenEvent {}

    record Completed(Usage usage, Timings timings) implements TokenEvent {}

    record Failed(Failure failure, Usage usage, Timings timings) implements TokenEvent {}

    record Usage(int promptTokens, int completionTokens, int cachedTokens) {}

    /** Nanoseconds from admission to the first step, from there to the first token, from there to the end; and how often it was preempted. */
    record Timings(long queueNanos, long prefillNanos, long decodeNanos, int preemptions) {}
}
