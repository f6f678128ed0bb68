package dev.skald.schedule;

/** Why a choice ended by itself. Cancelling, deadlines and failures are no reasons but a {@link Failure}. */
public enum FinishReason {
    /** The model's end-of-sequence token. */
    EOS,
    /** A stop id or a stop string of the request. */
    STOP,
    /** The request's maximum of tokens. */
    LENGTH,
    /** The model's context is full. */
    CONTEXT
}
