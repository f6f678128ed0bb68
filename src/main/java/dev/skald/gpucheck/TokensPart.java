package dev.skald.gpucheck;

import dev.skald.boot.EngineOptions.DeviceKind;
import dev.skald.boot.LocalEngine;
import dev.skald.engine.TokenEvent;
import dev.skald.engine.TokenLogprob;
import dev.skald.gpucheck.Engines.Answer;
import dev.skald.gpucheck.Engines.Wish;
import dev.skald.service.InferenceException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;

/**
 * skald-mini's greedy tokens on the card are those of the CPU wherever the CPU prefers its token by more than {@link #MARGIN}. Two sequences that differ
 * once, by less than that, have nothing to do with each other afterwards, and are compared no further.
 */
final class TokensPart implements Part {
    /** In nats, between the two most likely tokens. Where a CPU rounds activations to bf16, a log-probability was seen to move by 0.015; so may a card's. */
    private static final double MARGIN = 0.1;

    private static final int CONTEXT = 256;
    private static final long KV_BYTES = 64L << 20;
    private static final long PATIENCE_SECONDS = 100;
    private static final List<String> PROMPTS = List.of("111+222=", "中国的首都是", "The capital of France is", "这部电影真好看。", "12*12=", "Bonjour", "987654321+123456789=", "您好");

    @Override
    public String name() {
        return "tokens";
    }

    @Override
    public String about() {
        return "skald-mini's greedy tokens are the CPU's wherever the CPU's two best are more than " + MARGIN + " nats apart";
    }

    @Override
    public int limitSeconds() {
        return 120;
    }

    @Override
    public void run(Surroundings surroundings, Results results) throws Exception {
        int tokens = surroundings.simulated() ? 10 : 96;
        List<Answer> cpu;
        List<int[]> prompts;
        try (LocalEngine local = LocalEngine.start(Engines.options(wish(surroundings, DeviceKind.CPU, false)))) {
            prompts = prompts(local, surroundings.simulated());
            cpu = answers(local, prompts, tokens);
        }
        for (boolean invariant : new boolean[] {false, true}) {
            try (LocalEngine local = LocalEngine.start(Engines.options(wish(surroundings, DeviceKind.CUDA, invariant)))) {
                compare(invariant ? "batch-invariant" : "default", cpu, answers(local, prompts, tokens), results);
            }
        }
    }

    private static Wish wish(Surroundings surroundings, DeviceKind device, boolean invariant) {
        return new Wish(surroundings.model(), device, Optional.empty(), invariant, CONTEXT, OptionalLong.of(KV_BYTES), 16, 256);
    }

    /** Texts, and ids that mean nothing: of many lengths, since where a chunk ends must not matter. */
    private static List<int[]> prompts(LocalEngine local, boolean few) throws InferenceException {
        List<int[]> prompts = new ArrayList<>();
        for (String text : PROMPTS) prompts.add(local.inference().tokenize(text, true).ids().stream().mapToInt(Integer::intValue).toArray());
        Random random = new Random(7);
        int vocabulary = local.report().model().vocabularySize();
        for (int length : new int[] {1, 15, 16, 17, 63, 64, 65, 150}) prompts.add(random.ints(length, 0, vocabulary).toArray());
        return few ? List.of(prompts.get(0), prompts.get(1), prompts.get(11)) : prompts;
    }

    private static List<Answer> answers(LocalEngine local, List<int[]> prompts, int tokens) throws InterruptedException {
        List<Answer> answers = new ArrayList<>();
        for (int i = 0; i < prompts.size(); i++) {
            Answer answer = new Answer();
            local.engine().submit(Engines.greedy("tokens-" + i, prompts.get(i), tokens, 2), answer);
            answers.add(answer);
        }
        for (Answer answer : answers) {
            if (!answer.await(PATIENCE_SECONDS)) throw new IllegalStateException("a request did not end within " + PATIENCE_SECONDS + " s");
            if (answer.failure().isPresent()) throw new IllegalStateException(answer.failure().get());
        }
        return answers;
    }

    private static void compare(String mode, List<Answer> cpu, List<Answer> gpu, Results results) {
        int equal = 0;
        double widest = 0;
        double logprobs = 0;
        List<String> failures = new ArrayList<>();
        for (int i = 0; i < cpu.size(); i++) {
            List<TokenEvent.Token> expected = cpu.get(i).tokens();
            List<TokenEvent.Token> found = gpu.get(i).tokens();
            for (int t = 0; t < expected.size(); t++) {
                TokenLogprob is = found.get(t).logprob().orElseThrow();
                TokenLogprob should = expected.get(t).logprob().orElseThrow();
                if (is.id() == should.id()) {
                    equal++;
                    logprobs = Math.max(logprobs, Math.abs(is.logprob() - should.logprob()));
                    continue;
                }
                double margin = should.topLogprobs()[0] - should.topLogprobs()[1];
                widest = Math.max(widest, margin);
                if (margin > MARGIN) failures.add("prompt " + i + ", token " + t + " is " + is.id() + ", on the CPU " + should.id() + " by " + margin + " nats");
                break;
            }
        }
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("prompts", cpu.size());
        values.put("equal_tokens", equal);
        values.put("widest_margin_that_was_decided_otherwise", Result.round(widest));
        values.put("largest_difference_of_a_logprob", Result.round(logprobs));
        results.add(failures.isEmpty() ? Result.passed(mode, values) : Result.failed(mode, String.join("; ", failures), values));
    }
}
