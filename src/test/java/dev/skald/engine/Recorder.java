package dev.skald.engine;

import dev.skald.schedule.Failure;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Keeps what a request's sink is told. Written by the engine's thread, read by any. */
final class Recorder implements TokenSink {
    private final List<TokenEvent> events = new ArrayList<>();

    @Override
    public synchronized void accept(TokenEvent event) {
        if (over()) throw new AssertionError(event + " after " + events.getLast());
        events.add(event);
    }

    synchronized List<TokenEvent> events() {
        return List.copyOf(events);
    }

    synchronized boolean over() {
        return !events.isEmpty() && (events.getLast() instanceof TokenEvent.Completed || events.getLast() instanceof TokenEvent.Failed);
    }

    <T extends TokenEvent> List<T> all(Class<T> type) {
        return events().stream().filter(type::isInstance).map(type::cast).toList();
    }

    <T extends TokenEvent> Optional<T> first(Class<T> type) {
        return all(type).stream().findFirst();
    }

    /** Token ids of a choice so far. */
    List<Integer> ids(int choice) {
        return all(TokenEvent.Token.class).stream().filter(t -> t.choice() == choice).map(TokenEvent.Token::id).toList();
    }

    int tokens() {
        return all(TokenEvent.Token.class).size();
    }

    int cached() {
        return first(TokenEvent.Started.class).orElseThrow().cachedTokens();
    }

    TokenEvent.Completed completed() {
        return first(TokenEvent.Completed.class).orElseThrow(() -> new AssertionError("not completed: " + events().getLast()));
    }

    Failure failure() {
        return first(TokenEvent.Failed.class).orElseThrow(() -> new AssertionError("not failed: " + events().getLast())).failure();
    }
}
