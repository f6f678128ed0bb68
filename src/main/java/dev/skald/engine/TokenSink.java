package dev.skald.engine;

/**
 * Takes a request's events, in order and never two at once: by the engine thread, but for a refusal at once, which comes from the submitting
 * thread before {@link Engine#submit} returns. Must neither block nor throw: hand over to another thread.
 */
@FunctionalInterface
public interface TokenSink {
    void accept(TokenEvent event);
}
