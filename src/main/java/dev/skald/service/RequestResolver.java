package dev.skald.service;

import dev.skald.schedule.EngineRequest;
import dev.skald.sampling.SamplingParams;
import java.util.List;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;

/** Checks a request against the model and fills in what it leaves unset. Stateless. */
final class RequestResolver {
    static final int MIN_PRIORITY = -100;
    static final int MAX_PRIORITY = 100;
    /** Drawn seeds fit a double exactly, so that no client's JSON rounds them. */
    private static final long SEEDS = 1L << 53;

    private final ModelInfo model;
    private final List<Integer> eosIds;
    private final int maxChoices;

    /** @param maxChoices greatest n of a request */
    RequestResolver(ModelInfo model, List<Integer> eosIds, int maxChoices) {
        this.model = model;
        this.eosIds = List.copyOf(eosIds);
        this.maxChoices = maxChoices;
    }

    /** What can be said before the prompt is tokenised. @throws InferenceException with kind, field and sentence */
    void check(InferenceRequest request) {
        if (!request.model().isEmpty() && !request.model().equals(model.name())) {
            throw new InferenceException(
                    InferenceException.Kind.NOT_FOUND,
                    "MODEL_NOT_FOUND",
                    "options.model",
                    "there is no model \"" + request.model() + "\" here; this server has \"" + model.name() + "\"",
                    java.util.Optional.empty());
        }
        if (request.priority() < MIN_PRIORITY || request.priority() > MAX_PRIORITY) {
            throw invalid("options.priority", "priority " + request.priority() + " is outside [" + MIN_PRIORITY + ", " + MAX_PRIORITY + "]");
        }
        if (request.queueTimeout().filter(t -> t.isNegative()).isPresent()) {
            throw invalid("options.queue_timeout", "queue_timeout is negative");
        }
        checkSampling(request.sampling());
        checkStopping(request.stopping(), request.output());
    }

    private void checkSampling(SamplingOptions sampling) {
        if (sampling.n() < 1 || sampling.n() > maxChoices) {
            throw invalid("sampling.n", "n " + sampling.n() + " is outside [1, " + maxChoices + "]");
        }
        sampling.logitBias().keySet().stream().sorted().forEach(id -> checkId(id, "sampling.logit_bias", "logit_bias[" + id + "]"));
        checkIds(sampling.allowedIds(), "sampling.allowed_ids", "allowed_ids");
        for (int i = 0; i < sampling.bannedSequences().size(); i++) {
            checkIds(sampling.bannedSequences().get(i), "sampling.banned_sequences[" + i + "]", "banned_sequences[" + i + "]");
        }
    }

    private void checkStopping(InferenceRequest.Stopping stopping, InferenceRequest.Output output) {
        checkIds(stopping.stopIds(), "stopping.stop_token_ids", "stop_token_ids");
        if (stopping.maxTokens().isEmpty()) return;
        int max = stopping.maxTokens().getAsInt();
        if (max == 0 && output.promptTopLogprobs() < 0) {
            throw invalid("stopping.max_tokens", "max_tokens 0 leaves nothing to do unless prompt_logprobs are asked for");
        }
        if (stopping.minTokens() > max) {
            throw invalid("stopping.min_tokens", "min_tokens " + stopping.minTokens() + " is more than max_tokens " + max);
        }
    }

    /** @throws InferenceException naming the first id that the vocabulary lacks */
    void checkIds(List<Integer> ids, String field, String name) {
        for (int i = 0; i < ids.size(); i++) checkId(ids.get(i), field + "[" + i + "]", name + "[" + i + "]");
    }

    private void checkId(int id, String field, String name) {
        if (id >= 0 && id < model.vocabularySize()) return;
        throw InferenceException.invalid(
                "TOKEN_OUT_OF_VOCABULARY", field, name + " is " + id + "; the vocabulary has the ids 0 to " + (model.vocabularySize() - 1));
    }

    /** @param prompt its token ids @throws InferenceException with kind, field and sentence */
    EngineRequest resolve(InferenceRequest request, int[] prompt) {
        checkLength(prompt.length);
        SamplingOptions sampling = request.sampling();
        InferenceRequest.Stopping stopping = request.stopping();
        InferenceRequest.Output output = request.output();
        if (output.promptTopLogprobs() >= 0 && output.scoreFrom() > prompt.length) {
            throw invalid("output.score_from", "score_from " + output.scoreFrom() + " is past the prompt's " + prompt.length + " tokens");
        }
        return new EngineRequest(
                request.id(),
                prompt,
                params(sampling),
                sampling.seed().orElseGet(RequestResolver::drawSeed),
                sampling.n(),
                stopping.maxTokens(),
                stopping.minTokens(),
                stopping.ignoreEos() ? List.of() : eosIds,
                stopping.stopIds(),
                output.topLogprobs(),
                output.promptTopLogprobs(),
                output.scoreFrom(),
                request.priority(),
                request.deadlineNanos(),
                request.queueTimeout().map(t -> OptionalLong.of(t.toNanos())).orElseGet(OptionalLong::empty),
                request.cacheSalt(),
                request.cacheBypass(),
                request.unary());
    }

    private void checkLength(int tokens) {
        if (tokens == 0) throw InferenceException.invalid("EMPTY_PROMPT", "prompt", "the prompt is empty: it has no tokens");
        if (tokens < model.contextLength()) return;
        throw InferenceException.invalid(
                "PROMPT_TOO_LONG",
                "prompt",
                "the prompt has " + tokens + " tokens; with a context of " + model.contextLength() + " it may have at most "
                        + (model.contextLength() - 1));
    }

    private SamplingParams params(SamplingOptions sampling) {
        try {
            return sampling.resolve(model.defaults());
        } catch (IllegalArgumentException e) {
            throw Parameters.refusal(e);
        }
    }

    private static long drawSeed() {
        return new SplittableRandom(ThreadLocalRandom.current().nextLong() ^ System.nanoTime()).nextLong(SEEDS);
    }

    /** Ids that end an answer. */
    static List<Integer> endIds(EngineRequest request) {
        return Stream.concat(request.eosIds().stream(), request.stopIds().stream()).toList();
    }

    private static InferenceException invalid(String field, String sentence) {
        return InferenceException.invalid("INVALID_PARAMETER", field, sentence);
    }
}
