package dev.skald.grpc;

import dev.skald.api.v1.Constraint;
import dev.skald.api.v1.Logprobs;
import dev.skald.api.v1.Output;
import dev.skald.api.v1.RequestOptions;
import dev.skald.api.v1.Sampling;
import dev.skald.api.v1.Stopping;
import dev.skald.api.v1.TokenIds;
import dev.skald.sampling.SamplingParams;
import dev.skald.service.InferenceException;
import dev.skald.service.InferenceRequest;
import dev.skald.service.SamplingOptions;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Groups of a request's fields, from the API's words to the service's. Pure. */
final class Fields {
    /** The service's records begin their complaints with the field. */
    private static final Pattern FIELD = Pattern.compile("^[a-z][a-z0-9_]*(?:\\[[^\\]]*\\]|\\.[a-z][a-z0-9_]*)*");

    private Fields() {}

    /** @throws InferenceException for what a record refuses, its field below {@code prefix} ("" or ending in a dot) */
    static <T> T at(String prefix, Supplier<T> record) {
        try {
            return record.get();
        } catch (IllegalArgumentException e) {
            Matcher field = FIELD.matcher(e.getMessage());
            String path = field.find() ? prefix + field.group() : "";
            throw InferenceException.invalid("OUT_OF_RANGE", path, prefix + e.getMessage());
        }
    }

    static SamplingOptions sampling(Sampling s, SamplingParams defaults) {
        return at("sampling.", () -> {
            SamplingOptions options = new SamplingOptions(
                    s.hasTemperature() ? Optional.of(s.getTemperature()) : Optional.empty(),
                    s.hasTopK() ? OptionalInt.of(s.getTopK()) : OptionalInt.empty(),
                    s.hasTopP() ? Optional.of(s.getTopP()) : Optional.empty(),
                    s.hasMinP() ? Optional.of(s.getMinP()) : Optional.empty(),
                    s.hasRepetitionPenalty() ? Optional.of(s.getRepetitionPenalty()) : Optional.empty(),
                    s.hasPresencePenalty() ? Optional.of(s.getPresencePenalty()) : Optional.empty(),
                    s.hasFrequencyPenalty() ? Optional.of(s.getFrequencyPenalty()) : Optional.empty(),
                    s.getLogitBiasMap(),
                    s.getAllowedIdsList(),
                    s.getBannedSequencesList().stream().map(TokenIds::getIdsList).toList(),
                    s.hasSeed() ? OptionalLong.of(s.getSeed()) : OptionalLong.empty(),
                    s.hasN() ? s.getN() : 1);
            options.resolve(defaults); // for its checks, while the field's path is at hand
            return options;
        });
    }

    static InferenceRequest.Stopping stopping(Stopping s) {
        return at("stopping.", () -> new InferenceRequest.Stopping(
                s.hasMaxTokens() ? OptionalInt.of(s.getMaxTokens()) : OptionalInt.empty(), s.getMinTokens(), s.getStopStringsList(),
                s.getStopTokenIdsList(), s.getIncludeStop(), s.getIgnoreEos()));
    }

    static InferenceRequest.Output output(Output o) {
        if (o.getLogprobs().getBesideCase() == Logprobs.BesideCase.TOKEN_IDS) {
            throw notBuilt("output.logprobs.token_ids", "log-probabilities of chosen tokens");
        }
        // −1 means "none" to the service, but is out of range when a client writes it.
        int top = o.hasLogprobs() ? nonNegative("output.logprobs.top_n", o.getLogprobs().getTopN()) : -1;
        int promptTop = o.hasPromptLogprobs() ? nonNegative("output.prompt_logprobs.top_n", o.getPromptLogprobs().getTopN()) : -1;
        int from = o.getPromptLogprobs().hasFrom() ? o.getPromptLogprobs().getFrom() : 1;
        return at("output.", () -> new InferenceRequest.Output(top, promptTop, from, !o.hasSkipSpecial() || o.getSkipSpecial()));
    }

    static Optional<Duration> queueTimeout(RequestOptions options) {
        if (!options.hasQueueTimeout()) return Optional.empty();
        var timeout = options.getQueueTimeout();
        if (Math.abs(timeout.getSeconds()) > 315_576_000_000L || timeout.getNanos() < 0 || timeout.getNanos() > 999_999_999) {
            throw new IllegalArgumentException("options.queue_timeout is no positive duration");
        }
        return Optional.of(Duration.ofSeconds(timeout.getSeconds(), timeout.getNanos()));
    }

    static void refuse(Constraint constraint) {
        if (constraint.getKindCase() == Constraint.KindCase.KIND_NOT_SET) return;
        throw notBuilt("constraint", "constraint " + constraint.getKindCase().name().toLowerCase(java.util.Locale.ROOT));
    }

    static InferenceException notBuilt(String field, String what) {
        return InferenceException.invalid("NOT_BUILT", field, what + ": this release can't do that yet");
    }

    static String quote(String text) {
        return '"' + (text.length() <= 80 ? text : text.substring(0, 79) + "…") + '"';
    }

    private static int nonNegative(String path, int value) {
        if (value < 0) throw InferenceException.invalid("OUT_OF_RANGE", path, path + " " + value + " is negative");
        return value;
    }
}
