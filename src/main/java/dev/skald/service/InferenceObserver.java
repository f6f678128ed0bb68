package dev.skald.service;

/** Takes a request's events, in order, never two at once, on a text worker. May not block: slow consumers pause the call. */
@FunctionalInterface
public interface InferenceObserver {
    void onEvent(InferenceEvent event);
}
