package dev.skald.cli;

import dev.skald.sampling.SamplingParams;
import dev.skald.service.InferenceRequest;
import dev.skald.service.Prompt;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;

/** The requests of somebody at a terminal. */
final class Requests {
    private Requests() {}

    /** @throws CliException for a parameter outside its range */
    static InferenceRequest of(Prompt prompt, SamplingFlags flags) {
        try {
            // What is out of range with any model is told before one is loaded.
            flags.sampling().resolve(SamplingParams.GREEDY);
            return new InferenceRequest(
                    "cli-" + UUID.randomUUID(),
                    "",
                    prompt,
                    flags.sampling(),
                    flags.stopping(),
                    flags.output(),
                    0,
                    Optional.empty(),
                    OptionalLong.empty(),
                    "",
                    false,
                    false);
        } catch (IllegalArgumentException e) {
            throw CliException.askedWrongly(e.getMessage());
        }
    }
}
