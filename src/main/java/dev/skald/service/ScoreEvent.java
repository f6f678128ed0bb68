package dev.skald.service;

import dev.skald.service.InferenceEvent.ScoredToken;
import dev.skald.service.InferenceEvent.Usage;
import java.util.List;

/** What becomes of a {@link ScoreRequest}: Admitted, then Scored; or Failed at any point, last. */
public sealed interface ScoreEvent {
    /** Its first part has a place in the queue. */
    record Admitted(String requestId) implements ScoreEvent {}

    /** @param scores in the request's order, @param usage of all parts together */
    record Scored(String model, String fingerprint, List<Score> scores, Usage usage) implements ScoreEvent {
        public Scored {
            scores = List.copyOf(scores);
        }
    }

    record Failed(InferenceException cause, Usage usage) implements ScoreEvent {}

    /**
     * @param sumLogprob  natural logarithm, of all tokens below
     * @param tokens      from the first position that is scored, the same for all continuations
     * @param probability among the given continuations; they sum to 1
     */
    record Score(double sumLogprob, List<ScoredToken> tokens, double probability) {
        public Score {
            tokens = List.copyOf(tokens);
        }
    }
}
