package dev.skald.engine;

/** Takes a request's events. Called by the engine thread, in order; must neither block nor throw: hand over to another thread. */
@FunctionalInterface
public interface TokenSink {
    void accept(TokenEvent event);
}
