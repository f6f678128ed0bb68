package dev.skald.openai;

import dev.skald.schedule.FinishReason;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceEvent.ScoredToken;
import dev.skald.service.InferenceEvent.Usage;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What one request of a {@link Task.Generation} has brought, put together from its events. Belongs to the thread that they come on. */
public final class Answer {
    /** One choice. */
    static final class Choice {
        final StringBuilder text = new StringBuilder();
        final List<Integer> ids = new ArrayList<>();
        final List<ScoredToken> logprobs = new ArrayList<>();
        Optional<FinishReason> reason = Optional.empty();
    }

    final List<Choice> choices = new ArrayList<>();
    String model = "";
    String fingerprint = "";
    Usage usage = Usage.NONE;

    /** @param n choices */
    public Answer(int n) {
        for (int i = 0; i < n; i++) choices.add(new Choice());
    }

    /** Takes the next event; Failed is the caller's to handle. @return whether the answer is complete */
    public boolean take(InferenceEvent event) {
        switch (event) {
            case InferenceEvent.Started started -> {
                model = started.model();
                fingerprint = started.fingerprint();
            }
            case InferenceEvent.Delta delta -> {
                Choice choice = choices.get(delta.choice());
                choice.text.append(delta.text());
                choice.ids.addAll(delta.ids());
                choice.logprobs.addAll(delta.logprobs());
            }
            case InferenceEvent.Finished finished -> choices.get(finished.choice()).reason = Optional.of(finished.reason());
            case InferenceEvent.Completed completed -> {
                usage = completed.usage();
                return true;
            }
            case InferenceEvent.Admitted a -> {}
            case InferenceEvent.PromptScored p -> {}
            case InferenceEvent.Failed f -> {}
        }
        return false;
    }

    /** Of the model that answered; "" before it began. */
    public String fingerprint() {
        return fingerprint;
    }

    public Usage usage() {
        return usage;
    }
}
