package dev.skald.gpucheck;

import dev.skald.boot.EngineOptions;
import dev.skald.engine.TokenEvent;
import dev.skald.engine.TokenSink;
import dev.skald.sampling.SamplingParams;
import dev.skald.schedule.EngineRequest;
import dev.skald.tensor.DType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Engines and requests as the parts need them. */
final class Engines {
    private static final int QUEUE = 4096;

    private Engines() {}

    /**
     * What varies.
     *
     * @param type     of all weights; empty: as they are
     * @param kvBytes  of the KV cache; empty: as there is room
     * @param sequences that run at once
     */
    record Wish(
            Path model, EngineOptions.DeviceKind device, Optional<DType> type, boolean batchInvariant, int maxModelLen, OptionalLong kvBytes, int sequences,
            int batchedTokens) {}

    static EngineOptions options(Wish wish) {
        EngineOptions.Limits defaults = EngineOptions.Limits.DEFAULT;
        return new EngineOptions(
                wish.model(), Optional.empty(), Optional.empty(),
                new EngineOptions.Compute(wish.device(), EngineOptions.KernelKind.AUTO, OptionalInt.empty(), wish.type(), Optional.empty(), wish.batchInvariant()),
                new EngineOptions.Cache(OptionalInt.of(wish.maxModelLen()), wish.kvBytes(), DType.F16),
                new EngineOptions.Limits(
                        wish.sequences(), Math.max(wish.batchedTokens(), wish.sequences()), QUEUE, defaults.stallTimeout(), defaults.slowReaderTimeout()));
    }

    /** Greedy, without an end. @param top log-probabilities of that many most likely tokens; −1: none */
    static EngineRequest greedy(String id, int[] prompt, int tokens, int top) {
        return new EngineRequest(
                id, prompt, SamplingParams.GREEDY, 1, 1, OptionalInt.of(tokens), tokens, List.of(), List.of(), top, -1, 1, 0, OptionalLong.empty(),
                OptionalLong.empty(), "", true, false);
    }

    /** What came of a request. Written by the engine's thread, read by others after {@link #await}. */
    static final class Answer implements TokenSink {
        private final List<TokenEvent.Token> tokens = new ArrayList<>();
        private final CountDownLatch ended = new CountDownLatch(1);
        private final Runnable afterToken;
        private Optional<String> failure = Optional.empty();
        private int endings;
        private int preemptions;

        Answer() {
            this(() -> {});
        }

        /** @param afterToken runs on the engine's thread */
        Answer(Runnable afterToken) {
            this.afterToken = afterToken;
        }

        @Override
        public void accept(TokenEvent event) {
            switch (event) {
                case TokenEvent.Token token -> {
                    synchronized (this) {
                        tokens.add(token);
                    }
                    afterToken.run();
                }
                case TokenEvent.Completed completed -> end(Optional.empty(), completed.timings());
                case TokenEvent.Failed failed -> end(Optional.of(failed.failure().message()), failed.timings());
                case TokenEvent.Admitted a -> {}
                case TokenEvent.Started s -> {}
                case TokenEvent.PromptScored p -> {}
                case TokenEvent.Finished f -> {}
            }
        }

        private synchronized void end(Optional<String> why, TokenEvent.Timings timings) {
            failure = why;
            preemptions = timings.preemptions();
            endings++;
            ended.countDown();
        }

        /** @return whether it has ended */
        boolean await(long seconds) throws InterruptedException {
            return ended.await(seconds, TimeUnit.SECONDS);
        }

        synchronized List<TokenEvent.Token> tokens() {
            return List.copyOf(tokens);
        }

        synchronized List<Integer> ids() {
            return tokens.stream().map(TokenEvent.Token::id).toList();
        }

        /** Why it failed; empty if it didn't. */
        synchronized Optional<String> failure() {
            return failure;
        }

        /** How often it was told to have ended: once, if all is well. */
        synchronized int endings() {
            return endings;
        }

        synchronized int preemptions() {
            return preemptions;
        }
    }
}
