package dev.skald.openai;

import dev.skald.service.InferenceRequest;
import dev.skald.service.Prompt;
import dev.skald.service.SamplingOptions;
import dev.skald.service.ScoreRequest;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** What a body asks for, in the service's words; only an id is missing. */
public sealed interface Task {
    /** The model asked for; "" for the one that is served. */
    String model();

    /** Sequences that run at once for it. */
    int sequences();

    /** Which of OpenAI's two answers. */
    enum Shape {
        CHAT,
        COMPLETION
    }

    /**
     * Text to be generated.
     *
     * @param shape       of the answer
     * @param prompts     one, or several of a completion: choices of prompt i come as i·n … i·n + n − 1
     * @param sampling    with n choices of each prompt
     * @param tokenIds    whether choices carry their token ids too
     */
    record Generation(
            Shape shape,
            String model,
            List<Prompt> prompts,
            SamplingOptions sampling,
            InferenceRequest.Stopping stopping,
            InferenceRequest.Output output,
            int priority,
            String cacheSalt,
            boolean tokenIds)
            implements Task {
        public static final int MAX_PROMPTS = 128;

        public Generation {
            prompts = List.copyOf(prompts);
            if (prompts.isEmpty() || prompts.size() > MAX_PROMPTS) throw new IllegalArgumentException("prompt has " + prompts.size() + " entries");
        }

        @Override
        public int sequences() {
            return prompts.size() * sampling.n();
        }

        /** The same with a seed, unless the body gave one. */
        public Generation withSeed(long seed) {
            if (sampling.seed().isPresent()) return this;
            SamplingOptions s = sampling;
            SamplingOptions seeded = new SamplingOptions(
                    s.temperature(), s.topK(), s.topP(), s.minP(), s.repetitionPenalty(), s.presencePenalty(), s.frequencyPenalty(), s.logitBias(),
                    s.allowedIds(), s.bannedSequences(), OptionalLong.of(seed), s.n());
            return new Generation(shape, model, prompts, seeded, stopping, output, priority, cacheSalt, tokenIds);
        }

        /** @param part which prompt, @param unary whether the answer is wanted whole */
        public InferenceRequest request(int part, String id, boolean unary) {
            return new InferenceRequest(
                    id, model, prompts.get(part), sampling, stopping, output, priority, Optional.empty(), OptionalLong.empty(), cacheSalt, false, unary);
        }
    }

    /** Continuations to be scored. */
    record Scoring(String model, Prompt prompt, List<Prompt> continuations, int priority, String cacheSalt) implements Task {
        public Scoring {
            continuations = List.copyOf(continuations);
        }

        @Override
        public int sequences() {
            return continuations.size();
        }

        public ScoreRequest request(String id) {
            return new ScoreRequest(id, prompt, continuations, priority, Optional.empty(), OptionalLong.empty(), cacheSalt, false);
        }
    }
}
