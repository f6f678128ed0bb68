package dev.skald.batch;

import dev.skald.service.InferenceException;
import java.util.Optional;

/** What a line turned out to be. */
sealed interface Parsed {
    record Accepted(Item item) implements Parsed {}

    record Rejected(int line, Optional<String> customId, InferenceException cause) implements Parsed {}
}
