package dev.skald.engine;

import dev.skald.sampling.SamplingParams;
import dev.skald.schedule.EngineRequest;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** A request with everything plain but what a test says. */
final class RequestBuilder {
    private final String id;
    private final int[] prompt;
    SamplingParams sampling = SamplingParams.GREEDY;
    long seed;
    int choices = 1;
    OptionalInt maxTokens = OptionalInt.empty();
    int minTokens;
    List<Integer> eosIds = List.of();
    List<Integer> stopIds = List.of();
    int topLogprobs = -1;
    int promptTopLogprobs = -1;
    int scoreFrom = 1;
    int priority;
    OptionalLong deadline = OptionalLong.empty();
    OptionalLong queueTimeout = OptionalLong.empty();
    String salt = "";
    boolean bypass;
    boolean unary;

    RequestBuilder(String id, int... prompt) {
        this.id = id;
        this.prompt = prompt;
    }

    /** Token ids that count up from {@code first}, modulo the fake vocabulary. */
    static int[] ids(int length, int first) {
        int[] ids = new int[length];
        Arrays.setAll(ids, i -> (first + i * 7) % FakeModel.VOCABULARY);
        return ids;
    }

    RequestBuilder max(int tokens) {
        maxTokens = OptionalInt.of(tokens);
        return this;
    }

    RequestBuilder seed(long value) {
        seed = value;
        return this;
    }

    RequestBuilder choices(int n) {
        choices = n;
        return this;
    }

    RequestBuilder eos(Integer... ids) {
        eosIds = List.of(ids);
        return this;
    }

    RequestBuilder score(int from, int top) {
        scoreFrom = from;
        promptTopLogprobs = top;
        return this;
    }

    RequestBuilder priority(int value) {
        priority = value;
        return this;
    }

    RequestBuilder salt(String value) {
        salt = value;
        return this;
    }

    EngineRequest build() {
        return new EngineRequest(
                id, prompt, sampling, seed, choices, maxTokens, minTokens, eosIds, stopIds, topLogprobs, promptTopLogprobs, scoreFrom, priority, deadline,
                queueTimeout, salt, bypass, unary);
    }
}
