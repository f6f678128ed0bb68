package dev.skald.schedule;

import java.util.Optional;

/** Whether a request is possible at all. What is refused here is the sender's mistake, whatever the load. */
public final class RequestCheck {
    private final Limits limits;
    private final int vocabularySize;

    /** @param vocabularySize token ids are below this */
    public RequestCheck(Limits limits, int vocabularySize) {
        this.limits = limits;
        this.vocabularySize = vocabularySize;
    }

    /** @return the sentence that says what is wrong, with kind INVALID */
    public Optional<Failure> refuse(EngineRequest r) {
        return lengths(r).or(() -> ranges(r)).or(() -> ids(r)).map(sentence -> Failure.of(Failure.Kind.INVALID, sentence));
    }

    private Optional<String> lengths(EngineRequest r) {
        int length = r.prompt().length;
        if (length == 0) return Optional.of("the prompt is empty");
        if (length >= limits.maxModelLength()) {
            return Optional.of("the prompt has " + length + " tokens; with a context of " + limits.maxModelLength() + " it may have at most "
                    + (limits.maxModelLength() - 1));
        }
        if (r.id().isEmpty() || r.id().length() > Limits.MAX_ID_CHARS) {
            return Optional.of("a request id has 1 to " + Limits.MAX_ID_CHARS + " characters, not " + r.id().length());
        }
        if (r.cacheSalt().length() > Limits.MAX_SALT_CHARS) {
            return Optional.of("the cache salt has " + r.cacheSalt().length() + " characters, more than " + Limits.MAX_SALT_CHARS);
        }
        if (r.eosIds().size() + r.stopIds().size() > Limits.MAX_END_IDS) {
            return Optional.of(r.eosIds().size() + r.stopIds().size() + " eos and stop ids are more than " + Limits.MAX_END_IDS);
        }
        return Optional.empty();
    }

    private Optional<String> ranges(EngineRequest r) {
        if (r.choices() < 1 || r.choices() > limits.maxChoices()) return Optional.of("n " + r.choices() + " is outside [1, " + limits.maxChoices() + "]");
        boolean scores = r.promptTopLogprobs() >= 0;
        if (r.maxTokens().isPresent()) {
            int max = r.maxTokens().getAsInt();
            if (max < 0) return Optional.of("max_tokens " + max + " is negative");
            if (max == 0 && !scores) return Optional.of("max_tokens 0 leaves nothing to do unless the prompt is scored");
            if (r.minTokens() > max) return Optional.of("min_tokens " + r.minTokens() + " is more than max_tokens " + max);
        }
        if (r.minTokens() < 0) return Optional.of("min_tokens " + r.minTokens() + " is negative");
        if (r.topLogprobs() < -1 || r.topLogprobs() > limits.maxTopLogprobs()) {
            return Optional.of("logprobs " + r.topLogprobs() + " is outside [0, " + limits.maxTopLogprobs() + "]");
        }
        if (r.promptTopLogprobs() < -1 || r.promptTopLogprobs() > limits.maxTopLogprobs()) {
            return Optional.of("prompt_logprobs " + r.promptTopLogprobs() + " is outside [0, " + limits.maxTopLogprobs() + "]");
        }
        if (scores && (r.scoreFrom() < 1 || r.scoreFrom() > r.prompt().length)) {
            return Optional.of("score_from " + r.scoreFrom() + " is outside [1, " + r.prompt().length + " prompt tokens]");
        }
        if (r.priority() < -100 || r.priority() > 100) return Optional.of("priority " + r.priority() + " is outside [-100, 100]");
        if (r.queueTimeoutNanos().isPresent() && r.queueTimeoutNanos().getAsLong() < 0) return Optional.of("queue_timeout is negative");
        return Optional.empty();
    }

    private Optional<String> ids(EngineRequest r) {
        int[] prompt = r.prompt();
        for (int i = 0; i < prompt.length; i++) {
            if (prompt[i] < 0 || prompt[i] >= vocabularySize) return Optional.of(outside("prompt token " + i, prompt[i]));
        }
        return ids("eos id", r.eosIds())
                .or(() -> ids("stop id", r.stopIds()))
                .or(() -> ids("allowed id", r.sampling().allowedIds()))
                .or(() -> ids("logit_bias id", r.sampling().logitBias().keySet()))
                .or(() -> r.sampling().bannedSequences().stream().flatMap(s -> ids("banned id", s).stream()).findFirst());
    }

    private Optional<String> ids(String what, Iterable<Integer> ids) {
        for (int id : ids) if (id < 0 || id >= vocabularySize) return Optional.of(outside(what, id));
        return Optional.empty();
    }

    private String outside(String what, int id) {
        return what + " is " + id + "; the vocabulary has the ids 0 to " + (vocabularySize - 1);
    }
}
