package dev.skald.gpucheck;

import dev.skald.boot.EngineOptions.DeviceKind;
import dev.skald.boot.LocalEngine;
import dev.skald.engine.EngineHealth;
import dev.skald.engine.RequestHandle;
import dev.skald.gpucheck.Engines.Answer;
import dev.skald.gpucheck.Engines.Wish;
import dev.skald.model.DecoderSpec;
import dev.skald.schedule.Failure;
import dev.skald.schedule.Load;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Many requests at once over a cache too small for them, so that some are preempted, while every seventh is cancelled: in batch-invariant mode each of the
 * others must get the tokens that it gets alone, each must end once, and no block may stay taken.
 */
final class EnginePart implements Part {
    private static final int CONTEXT = 96;
    private static final int CANCEL_EACH = 7;
    /** Short, so that all are let in, and then grow out of what there is. */
    private static final int LONGEST_PROMPT = 14;
    private static final int TOKENS_BEFORE_CANCEL = 3;
    private static final int FULL_SEQUENCES = 3;
    private static final long PATIENCE_SECONDS = 100;
    private static final long ROOMY_BYTES = 128L << 20;

    @Override
    public String name() {
        return "engine";
    }

    @Override
    public String about() {
        return "Many requests at once, with cancels and preemptions: each that isn't cancelled gets the tokens that it gets alone";
    }

    @Override
    public int limitSeconds() {
        return 150;
    }

    /** @param prompt its tokens @param tokens that are generated after it */
    private record Ask(int[] prompt, int tokens) {}

    @Override
    public void run(Surroundings surroundings, Results results) throws Exception {
        boolean small = surroundings.simulated();
        int count = small ? 6 : 64;
        List<List<Integer>> alone = new ArrayList<>();
        List<Ask> asks;
        long bytesPerToken;
        try (LocalEngine local = start(surroundings, ROOMY_BYTES)) {
            asks = asks(local.report().model().vocabularySize(), count, small ? 20 : 60);
            DecoderSpec spec = local.spec();
            bytesPerToken = 2L * 2 * spec.layers() * spec.kvCols();
            for (int i = 0; i < count; i++) {
                if (i % CANCEL_EACH == 0) alone.add(List.of());
                else alone.add(one(local, "alone-" + i, asks.get(i)));
            }
        }
        try (LocalEngine local = start(surroundings, (small ? 1 : FULL_SEQUENCES) * CONTEXT * bytesPerToken)) {
            crowd(local, asks, alone, results);
        }
    }

    private static LocalEngine start(Surroundings surroundings, long kvBytes) {
        return LocalEngine.start(Engines.options(new Wish(
                surroundings.model(), DeviceKind.CUDA, Optional.empty(), true, CONTEXT, OptionalLong.of(kvBytes), surroundings.simulated() ? 8 : 32, 64)));
    }

    private static List<Ask> asks(int vocabulary, int count, int longest) {
        Random random = new Random(11);
        List<Ask> asks = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int[] prompt = random.ints(1 + random.nextInt(LONGEST_PROMPT), 0, vocabulary).toArray();
            asks.add(new Ask(prompt, longest - random.nextInt(longest / 3)));
        }
        return asks;
    }

    private static List<Integer> one(LocalEngine local, String id, Ask ask) throws InterruptedException {
        Answer answer = new Answer();
        local.engine().submit(Engines.greedy(id, ask.prompt(), ask.tokens(), -1), answer);
        if (!answer.await(PATIENCE_SECONDS)) throw new IllegalStateException(id + " did not end within " + PATIENCE_SECONDS + " s");
        if (answer.failure().isPresent()) throw new IllegalStateException(id + ": " + answer.failure().get());
        return answer.ids();
    }

    private static Answer submit(LocalEngine local, int i, Ask ask) {
        if (i % CANCEL_EACH != 0) {
            Answer answer = new Answer();
            local.engine().submit(Engines.greedy("crowd-" + i, ask.prompt(), ask.tokens(), -1), answer);
            return answer;
        }
        CompletableFuture<RequestHandle> handle = new CompletableFuture<>();
        int[] seen = new int[1];
        Answer answer = new Answer(() -> {
            if (++seen[0] == TOKENS_BEFORE_CANCEL) handle.thenAccept(h -> h.cancel(Failure.of(Failure.Kind.CANCELLED, "by the check")));
        });
        handle.complete(local.engine().submit(Engines.greedy("crowd-" + i, ask.prompt(), ask.tokens(), -1), answer));
        return answer;
    }

    private static void crowd(LocalEngine local, List<Ask> asks, List<List<Integer>> alone, Results results) throws InterruptedException {
        List<Answer> answers = new ArrayList<>();
        for (int i = 0; i < asks.size(); i++) answers.add(submit(local, i, asks.get(i)));
        int equal = 0;
        int cancelled = 0;
        List<String> failures = new ArrayList<>();
        for (int i = 0; i < answers.size(); i++) {
            Answer answer = answers.get(i);
            if (!answer.await(PATIENCE_SECONDS)) failures.add("request " + i + " did not end within " + PATIENCE_SECONDS + " s");
            else if (i % CANCEL_EACH == 0 && answer.failure().isPresent()) cancelled++;
            else if (i % CANCEL_EACH == 0) failures.add("request " + i + " was cancelled and completed all the same");
            else if (answer.failure().isPresent()) failures.add("request " + i + ": " + answer.failure().get());
            else if (!answer.ids().equals(alone.get(i))) failures.add("request " + i + " got other tokens than alone: " + answer.ids() + ", alone " + alone.get(i));
            else equal++;
        }
        if (!local.engine().awaitIdle(Duration.ofSeconds(PATIENCE_SECONDS))) failures.add("the engine did not come to rest");
        Load load = rest(local);
        if (load.kvBlocksUsed() != 0) failures.add(load.kvBlocksUsed() + " blocks stay taken");
        if (load.preemptions() == 0) failures.add("nothing was preempted: the cache was large enough, and the check says nothing");
        if (!(local.engine().health() instanceof EngineHealth.Well)) failures.add("the engine is " + local.engine().health());
        for (int i = 0; i < answers.size(); i++) if (answers.get(i).endings() > 1) failures.add("request " + i + " ended " + answers.get(i).endings() + " times");
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("requests", asks.size());
        values.put("same_tokens_as_alone", equal);
        values.put("cancelled", cancelled);
        values.put("preemptions", load.preemptions());
        results.add(failures.isEmpty() ? Result.passed("crowd", values) : Result.failed("crowd", String.join("; ", failures), values));
    }

    /** Figures are of the last turn's beginning: forgetting the cache makes another turn. */
    private static Load rest(LocalEngine local) throws InterruptedException {
        for (int i = 0; i < 200; i++) {
            Load load = local.engine().snapshot().load();
            if (load.kvBlocksUsed() == 0 && load.runningSequences() == 0) return load;
            local.engine().flushPrefixCache();
            TimeUnit.MILLISECONDS.sleep(20);
        }
        return local.engine().snapshot().load();
    }
}
