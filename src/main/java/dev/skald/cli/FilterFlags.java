package dev.skald.cli;

import picocli.CommandLine.Option;

/** Which tokens may be drawn, wherever a sampler is set by flags. Null: not given. */
final class FilterFlags {
    @Option(names = "--top-k", paramLabel = "K", description = "Keep the K most likely tokens; 0: all.")
    Integer topK;

    @Option(names = "--top-p", paramLabel = "P", description = "Keep the smallest set of tokens with this share; 1: all.")
    Float topP;

    @Option(names = "--min-p", paramLabel = "P", description = "Drop tokens below this share of the most likely one's; 0: none.")
    Float minP;

    @Option(names = "--repetition-penalty", paramLabel = "X", description = "1: off.")
    Float repetitionPenalty;

    @Option(names = "--presence-penalty", paramLabel = "X", description = "0: off.")
    Float presencePenalty;

    @Option(names = "--frequency-penalty", paramLabel = "X", description = "0: off.")
    Float frequencyPenalty;
}
