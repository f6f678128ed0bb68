package dev.skald.compute;

/** Gate of a gated feed-forward layer. */
public enum Activation {
    /** x · sigmoid(x) */
    SILU
}
