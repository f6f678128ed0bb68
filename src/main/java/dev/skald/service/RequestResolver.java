package dev.skald.service;

import dev.skald.sampling.SamplingParams;
import dev.skald.schedule.EngineRequest;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;

/** Checks a request against the model and fills in what it leaves unset. Stateless. */
final class RequestResolver {
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
                    Optional.empty());
        }
        checkSampling(request.sampling());
        checkStopping(request.stopping(), request.output());
    }

    private void checkSampling(SamplingOptions sampling) {
        if (sampling.n() > maxChoices) {
            throw invalid("sampling.n", "n " + sampling.n() + " is more than the " + maxChoices + " sequences that run at once");
        }
        sampling.logitBias().keySet().stream().sorted().forEach(id -> checkId(id, "sampling.logit_bias[" + id + "]", "a key of logit_bias"));
        checkIds(sampling.allowedIds(), "sampling.allowed_ids", "allowed_ids");
        for (int i = 0; i < sampling.bannedSequences().size(); i++) {
            checkIds(sampling.bannedSequences().get(i), "sampling.banned_sequences[" + i + "].ids", "banned_sequences[" + i + "]");
        }
    }

    private void checkStopping(InferenceRequest.Stopping stopping, InferenceRequest.Output output) {
        checkIds(stopping.stopIds(), "stopping.stop_token_ids", "stop_token_ids");
        if (stopping.maxTokens().isEmpty()) return;
        int max = stopping.maxTokens().getAsInt();
        if (max == 0 && output.promptTopLogprobs() < 0) {
            throw invalid("stopping.max_tokens", "max_tokens 0 leaves nothing to do unless prompt_logprobs are asked for");
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
            throw invalid(
                    "output.prompt_logprobs.from",
                    "prompt_logprobs.from " + output.scoreFrom() + " is past the prompt's " + prompt.length + " tokens");
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
            // The record's complaint begins with the parameter's name, as the API calls it.
            String name = e.getMessage().split(" ", 2)[0];
            throw InferenceException.invalid("INVALID_PARAMETER", "sampling." + name, e.getMessage());
        }
    }

    private static long drawSeed() {
        return ThreadLocalRandom.current().nextLong(SEEDS);
    }

    /** Ids that end an answer. */
    static List<Integer> endIds(EngineRequest request) {
        return Stream.concat(request.eosIds().stream(), request.stopIds().stream()).toList();
    }

    private static InferenceException invalid(String field, String sentence) {
        return InferenceException.invalid("INVALID_PARAMETER", field, sentence);
    }
}
