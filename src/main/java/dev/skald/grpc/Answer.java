package dev.skald.grpc;

import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceEvent.ScoredToken;
import dev.skald.service.InferenceEvent.Usage;
import dev.skald.service.InferenceException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** All events of a request, for a call that answers once. Not thread-safe: events of a request never come two at once. */
final class Answer {
    /** One finished choice. */
    static final class Choice {
        final StringBuilder text = new StringBuilder();
        final List<Integer> ids = new ArrayList<>();
        final List<ScoredToken> logprobs = new ArrayList<>();
        Optional<InferenceEvent.Finished> finished = Optional.empty();
    }

    private final int byteLimit;
    private long bytes;
    final List<Choice> choices = new ArrayList<>();
    final List<ScoredToken> promptLogprobs = new ArrayList<>();
    Optional<InferenceEvent.Started> started = Optional.empty();
    Optional<InferenceEvent.Completed> completed = Optional.empty();

    /** @param byteLimit of the answer as a message, which is estimated here so as not to gather what can't be sent */
    Answer(int choices, int byteLimit) {
        this.byteLimit = byteLimit;
        for (int i = 0; i < choices; i++) this.choices.add(new Choice());
    }

    /** @throws InferenceException once the answer is larger than may be sent */
    void add(InferenceEvent event) {
        switch (event) {
            case InferenceEvent.Started s -> started = Optional.of(s);
            case InferenceEvent.PromptScored(List<ScoredToken> tokens) -> {
                promptLogprobs.addAll(tokens);
                grow(size(tokens));
            }
            case InferenceEvent.Delta delta -> {
                Choice choice = choices.get(delta.choice());
                choice.text.append(delta.text());
                choice.ids.addAll(delta.ids());
                choice.logprobs.addAll(delta.logprobs());
                grow(delta.text().length() + delta.ids().size() + size(delta.logprobs()));
            }
            case InferenceEvent.Finished finished -> choices.get(finished.choice()).finished = Optional.of(finished);
            case InferenceEvent.Completed c -> completed = Optional.of(c);
            case InferenceEvent.Admitted a -> {}
            case InferenceEvent.Failed f -> throw new IllegalArgumentException("a failure is no part of an answer");
        }
    }

    /** A lower bound: ids and ranks as one byte, a tag and a length for each message. */
    private static long size(List<ScoredToken> tokens) {
        long size = 0;
        for (ScoredToken token : tokens) size += 11 + token.bytes().length + 10L * token.top().size();
        return size;
    }

    private void grow(long more) {
        bytes += more;
        if (bytes > byteLimit) throw Errors.exhausted("ANSWER_TOO_LARGE", "the answer has more than " + byteLimit + " bytes; ask for less, or for a stream");
    }
}
