package dev.skald.cli;

import dev.skald.service.Inference;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceException;
import dev.skald.service.Prompt;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** Turns so far, and the next answer. One thread talks; {@link #stop} may be called from any. */
final class Conversation {
    private final Inference inference;
    private final SamplingFlags sampling;
    private final List<Prompt.Message> first;
    private final List<Prompt.Message> turns = new ArrayList<>();
    private volatile Optional<AnswerStream> answering = Optional.empty();
    private volatile boolean stopped;

    /** @param first messages that no reset takes away */
    Conversation(Inference inference, SamplingFlags sampling, List<Prompt.Message> first) {
        this.inference = inference;
        this.sampling = sampling;
        this.first = List.copyOf(first);
    }

    String modelName() {
        return inference.model().name();
    }

    boolean wantsLogprobs() {
        return sampling.logprobs != null;
    }

    void reset() {
        turns.clear();
    }

    /**
     * Asks, and remembers question and answer; a stopped answer as far as it came. A question that could not be answered is forgotten.
     *
     * @param text takes the answer as it comes
     * @return the answer; empty if it was stopped before it was whole
     * @throws InferenceException if there is none
     */
    Optional<Answer> ask(String question, Consumer<String> text) throws InterruptedException {
        turns.add(Prompt.Message.of("user", question));
        List<Prompt.Message> all = new ArrayList<>(first);
        all.addAll(turns);
        Answer answer = new Answer(1);
        stopped = false;
        AnswerStream events = AnswerStream.start(inference, Requests.of(ChatCommand.prompt(all), sampling));
        answering = Optional.of(events);
        boolean last = false;
        try {
            if (stopped) events.cancel();
            while (!last) {
                InferenceEvent event = events.next();
                last = answer.take(event);
                if (event instanceof InferenceEvent.Delta delta && !delta.text().isEmpty()) text.accept(delta.text());
            }
            remember(answer);
            return Optional.of(answer);
        } catch (InferenceException e) {
            last = true;
            if (!stopped) {
                turns.removeLast();
                throw e;
            }
            remember(answer);
            return Optional.empty();
        } finally {
            answering = Optional.empty();
            if (!last) events.cancel();
        }
    }

    private void remember(Answer answer) {
        String said = answer.choices().getFirst().text.toString();
        if (said.isEmpty()) turns.removeLast();
        else turns.add(Prompt.Message.of("assistant", said));
    }

    /** Ends the answer that is being given, if one is. */
    void stop() {
        stopped = true;
        answering.ifPresent(AnswerStream::cancel);
    }
}
