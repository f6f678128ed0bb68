package dev.skald.compute;

/** Which rows of its buffers an operation covers; how many there are is in the batch. */
public enum RowSet {
    /** One row per token of the step. */
    TOKENS,
    /** One row per wanted row of logits. */
    LOGIT_ROWS
}
