package dev.skald.gpucheck;

import dev.skald.service.Submitter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Requests at once whose prompts and answers have lengths of their own, as real ones do; generate.py asks transformers for the same lengths. */
final class RaggedRun {
    private static final int RUNS = 2;

    private RaggedRun() {}

    /** Tokens of request i's prompt, 1 … 2·mean − 1, around {@code mean}. */
    static int promptTokens(int i, int mean) {
        return 1 + (i * 73 + 41) % (2 * mean - 1);
    }

    /** Tokens of request i's answer, likewise. */
    static int answerTokens(int i, int mean) {
        return 1 + (i * 151 + 97) % (2 * mean - 1);
    }

    /** The better of two runs. @param mean tokens of a prompt, and of an answer */
    static Result run(Submitter engine, int streams, int mean, int vocabulary, int seconds) throws InterruptedException {
        Random random = new Random(3);
        long tokens = 0;
        for (int i = 0; i < streams; i++) tokens += answerTokens(i, mean);
        double best = Double.MAX_VALUE;
        for (int run = 0; run < RUNS; run++) {
            List<Engines.Answer> answers = new ArrayList<>();
            long begun = System.nanoTime();
            for (int i = 0; i < streams; i++) {
                Engines.Answer answer = new Engines.Answer();
                int[] prompt = random.ints(promptTokens(i, mean), 0, vocabulary).toArray();
                engine.submit(Engines.greedy("ragged-" + run + "-" + i, prompt, answerTokens(i, mean), -1), answer);
                answers.add(answer);
            }
            for (Engines.Answer answer : answers) {
                if (!answer.await(seconds)) return Result.failed("ragged", "a request did not end within " + seconds + " s");
                if (answer.failure().isPresent()) return Result.failed("ragged", answer.failure().get());
            }
            best = Math.min(best, (System.nanoTime() - begun) * 1e-9);
        }
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("requests", streams);
        values.put("answer_tokens", tokens);
        values.put("seconds", Result.round(best));
        values.put("answer_tokens_per_s", Result.round(tokens / best));
        return Result.measured("ragged", values);
    }
}
