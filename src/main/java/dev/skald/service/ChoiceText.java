package dev.skald.service;

import dev.skald.engine.TokenEvent;
import dev.skald.schedule.FinishReason;
import dev.skald.service.InferenceEvent.Delta;
import dev.skald.service.InferenceEvent.Finished;
import dev.skald.service.InferenceEvent.ScoredToken;
import dev.skald.text.StopMatcher;
import dev.skald.text.StreamDecoder;
import dev.skald.text.TextDelta;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * Turns one choice's tokens into deltas, and ends it at a stop string. What comes out depends on the tokens alone: those past a stop are
 * dropped, however many the engine had sent by then, and so is the engine's own word on how the choice ended. Belongs to its text worker.
 */
final class ChoiceText {
    private final int choice;
    private final StreamDecoder decoder;
    private final StopMatcher stops;
    private final Set<Integer> silentEnds;
    private final Consumer<InferenceEvent> out;
    private final IntConsumer stopAt;

    private final Deque<ScoredToken> scores = new ArrayDeque<>();
    /** Ends the choice without a text of its own. */
    private OptionalInt silentEnd = OptionalInt.empty();
    /** Handed out, or held back by decoder. */
    private int tokens;
    private int emitted;
    private boolean ended;

    /**
     * @param endIds end ids of the request; their text is not part of the answer unless {@code includeStop}
     * @param out    takes the choice's Deltas and its one Finished
     * @param stopAt told the index of the token that completed a stop string
     */
    ChoiceText(
            int choice,
            StreamDecoder decoder,
            StopMatcher stops,
            List<Integer> endIds,
            boolean includeStop,
            Consumer<InferenceEvent> out,
            IntConsumer stopAt) {
        this.choice = choice;
        this.decoder = decoder;
        this.stops = stops;
        this.silentEnds = includeStop ? Set.of() : new HashSet<>(endIds);
        this.out = out;
        this.stopAt = stopAt;
    }

    /** Tokens that count: handed out, or held back for the next delta. */
    int tokens() {
        return tokens;
    }

    /** @param score of the token, if the request wants it */
    void token(TokenEvent.Token token, Optional<ScoredToken> score) {
        if (ended) return;
        if (token.index() != tokens) {
            throw new IllegalStateException("token " + token.index() + " of choice " + choice + " came after " + tokens + " others");
        }
        tokens++;
        score.ifPresent(scores::add);
        if (silentEnds.contains(token.id())) {
            silentEnd = OptionalInt.of(token.id());
        } else {
            decoder.push(token.id()).ifPresent(this::hand);
        }
    }

    /** The engine says how the choice ended. */
    void finished(FinishReason reason, OptionalInt id) {
        if (ended) return;
        decoder.finish().ifPresent(this::hand);
        if (ended) return;
        String rest = stops.finish();
        int[] ids = silentEnd.isPresent() ? new int[] {silentEnd.getAsInt()} : new int[0];
        if (!rest.isEmpty() || ids.length > 0) emit(rest, ids);
        ended = true;
        out.accept(new Finished(choice, reason, id, Optional.empty()));
    }

    private void hand(TextDelta delta) {
        StopMatcher.Result result = stops.push(delta);
        if (result.hit().isEmpty()) {
            emit(result.text(), delta.ids());
            return;
        }
        StopMatcher.Hit hit = result.hit().get();
        emit(result.text(), Arrays.copyOf(delta.ids(), hit.token() + 1));
        ended = true;
        tokens = emitted;
        stopAt.accept(emitted - 1);
        out.accept(new Finished(choice, FinishReason.STOP, OptionalInt.empty(), Optional.of(hit.stop())));
    }

    private void emit(String text, int[] ids) {
        emitted += ids.length;
        List<ScoredToken> scored = new ArrayList<>(ids.length);
        for (int i = 0; i < ids.length && !scores.isEmpty(); i++) scored.add(scores.remove());
        out.accept(new Delta(choice, text, IntStream.of(ids).boxed().toList(), List.copyOf(scored)));
    }
}
