package dev.skald.cli;

import dev.skald.service.InferenceRequest.Output;
import dev.skald.service.InferenceRequest.Stopping;
import dev.skald.service.SamplingOptions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How an answer is drawn, when it ends, and what is wanted beside its text. */
final class SamplingFlags {
    private static final String SPLIT = FlagSources.SEPARATOR;

    @Option(names = {"-n", "--max-tokens"}, paramLabel = "N", description = "Most tokens to generate (default: to the end of the context).")
    Integer maxTokens;

    @Option(names = "--min-tokens", paramLabel = "N", description = "No end before so many tokens (default: 0).")
    int minTokens;

    @Option(names = "--temperature", paramLabel = "T", description = "0: always the most likely token (the default here).")
    float temperature;

    @Mixin
    FilterFlags filters = new FilterFlags();

    @Option(names = "--logit-bias", paramLabel = "ID=X", split = SPLIT, description = "Add X to a token's logit. Repeatable.")
    List<String> logitBias = List.of();

    @Option(names = "--allowed-ids", paramLabel = "IDS", split = SPLIT, converter = Converters.Ids.class, description = "The only tokens that may be drawn.")
    List<Converters.IdList> allowedIds = List.of();

    @Option(names = "--banned-sequence", paramLabel = "IDS", split = SPLIT, converter = Converters.Ids.class,
            description = "Tokens that never come in this order. Repeatable.")
    List<Converters.IdList> bannedSequences = List.of();

    @Option(names = "--seed", paramLabel = "S", description = "The same seed gives the same answer (default: drawn).")
    Long seed;

    @Option(names = "--n", paramLabel = "N", description = "Answers to the one prompt (default: 1).")
    int choices = 1;

    @Option(names = "--stop", paramLabel = "TEXT", split = SPLIT, description = "End the answer before this text. Repeatable.")
    List<String> stop = List.of();

    @Option(names = "--stop-token-ids", paramLabel = "IDS", split = SPLIT, converter = Converters.Ids.class, description = "Further end tokens.")
    List<Converters.IdList> stopTokenIds = List.of();

    @Option(names = "--include-stop", arity = "0..1", fallbackValue = "true", paramLabel = "BOOL", description = "Keep the stop text in the answer.")
    boolean includeStop;

    @Option(names = "--ignore-eos", arity = "0..1", fallbackValue = "true", paramLabel = "BOOL", description = "Go on past the model's end token.")
    boolean ignoreEos;

    @Option(names = "--logprobs", paramLabel = "N", description = "Log-probabilities of the answer's tokens, and of the N most likely ones (0 to 20).")
    Integer logprobs;

    @Option(names = "--prompt-logprobs", paramLabel = "N", description = "The same for the prompt's tokens.")
    Integer promptLogprobs;

    @Option(names = "--keep-special", arity = "0..1", fallbackValue = "true", paramLabel = "BOOL", description = "Show special tokens in the text.")
    boolean keepSpecial;

    SamplingOptions sampling() {
        return new SamplingOptions(
                Optional.of(temperature),
                optional(filters.topK),
                Optional.ofNullable(filters.topP),
                Optional.ofNullable(filters.minP),
                Optional.ofNullable(filters.repetitionPenalty),
                Optional.ofNullable(filters.presencePenalty),
                Optional.ofNullable(filters.frequencyPenalty),
                biases(),
                flat(allowedIds),
                bannedSequences.stream().map(Converters.IdList::ids).toList(),
                seed == null ? OptionalLong.empty() : OptionalLong.of(seed),
                choices);
    }

    Stopping stopping() {
        return new Stopping(optional(maxTokens), minTokens, stop, flat(stopTokenIds), includeStop, ignoreEos);
    }

    Output output() {
        return new Output(logprobs == null ? -1 : logprobs, promptLogprobs == null ? -1 : promptLogprobs, 1, !keepSpecial);
    }

    private Map<Integer, Float> biases() {
        Map<Integer, Float> biases = new HashMap<>();
        for (String entry : logitBias) {
            int equals = entry.indexOf('=');
            try {
                if (equals < 1) throw new NumberFormatException();
                biases.put(Integer.valueOf(entry.substring(0, equals).strip()), Float.valueOf(entry.substring(equals + 1).strip()));
            } catch (NumberFormatException e) {
                throw CliException.askedWrongly("--logit-bias can't be `" + entry + "`: expected a token id and a number, such as 17=-2.5");
            }
        }
        return biases;
    }

    private static OptionalInt optional(Integer value) {
        return value == null ? OptionalInt.empty() : OptionalInt.of(value);
    }

    static List<Integer> flat(List<Converters.IdList> lists) {
        return lists.stream().flatMap(list -> list.ids().stream()).toList();
    }
}
