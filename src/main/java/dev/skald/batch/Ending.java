package dev.skald.batch;

/** How a run ended. */
public sealed interface Ending {
    /** Every line stands in the output or in the error file. */
    record Complete() implements Ending {}

    /** Nothing is lost, and the same command goes on. @param sentence says why it ended and how to go on */
    record Unfinished(String sentence) implements Ending {}

    /** The same, but an engine broke: what was under way is under suspicion. */
    record Broken(String sentence) implements Ending {}
}
