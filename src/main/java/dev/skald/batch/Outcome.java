package dev.skald.batch;

import dev.skald.service.InferenceEvent.Usage;
import dev.skald.service.InferenceException;

/** How an attempt ended. */
sealed interface Outcome {
    Attempt attempt();

    /** @param record for the output, with its line feed @param fingerprint of the model that answered */
    record Answered(Attempt attempt, byte[] record, Usage usage, String fingerprint) implements Outcome {}

    /** @param begun whether a server had taken it in */
    record Failed(Attempt attempt, InferenceException cause, boolean begun) implements Outcome {}
}
