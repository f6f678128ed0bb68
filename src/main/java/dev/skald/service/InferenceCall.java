package dev.skald.service;

/** A running request. Thread-safe; without effect once it has ended. */
public interface InferenceCall {
    void cancel();

    /** The consumer can't take more for now. */
    void pause();

    void resume();
}
