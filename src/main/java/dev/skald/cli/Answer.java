package dev.skald.cli;

import dev.skald.schedule.FinishReason;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceEvent.Delta;
import dev.skald.service.InferenceEvent.Finished;
import dev.skald.service.InferenceEvent.ScoredToken;
import dev.skald.service.InferenceEvent.Timings;
import dev.skald.service.InferenceEvent.Usage;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What a request has brought so far, put together from its events. */
final class Answer {
    /** One choice. */
    static final class Choice {
        final StringBuilder text = new StringBuilder();
        final List<Integer> ids = new ArrayList<>();
        final List<ScoredToken> logprobs = new ArrayList<>();
        Optional<FinishReason> reason = Optional.empty();
    }

    private final List<Choice> choices = new ArrayList<>();
    private Optional<List<ScoredToken>> promptLogprobs = Optional.empty();
    private Optional<Usage> usage = Optional.empty();
    private Optional<Timings> timings = Optional.empty();

    Answer(int n) {
        for (int i = 0; i < n; i++) choices.add(new Choice());
    }

    /**
     * Takes the next event.
     *
     * @return whether it was the last
     * @throws dev.skald.service.InferenceException if the request failed
     */
    boolean take(InferenceEvent event) {
        switch (event) {
            case InferenceEvent.Admitted admitted -> {}
            case InferenceEvent.Started started -> {}
            case InferenceEvent.PromptScored scored -> promptLogprobs = Optional.of(scored.tokens());
            case Delta delta -> {
                Choice choice = choices.get(delta.choice());
                choice.text.append(delta.text());
                choice.ids.addAll(delta.ids());
                choice.logprobs.addAll(delta.logprobs());
            }
            case Finished finished -> choices.get(finished.choice()).reason = Optional.of(finished.reason());
            case InferenceEvent.Completed completed -> {
                usage = Optional.of(completed.usage());
                timings = Optional.of(completed.timings());
                return true;
            }
            case InferenceEvent.Failed failed -> throw failed.cause();
        }
        return false;
    }

    List<Choice> choices() {
        return choices;
    }

    /** From the second token on; empty unless asked for. */
    Optional<List<ScoredToken>> promptLogprobs() {
        return promptLogprobs;
    }

    /** Once it is complete. */
    Usage usage() {
        return usage.orElseThrow();
    }

    /** Once it is complete. */
    Timings timings() {
        return timings.orElseThrow();
    }
}
