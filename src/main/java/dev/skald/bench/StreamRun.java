package dev.skald.bench;

import dev.skald.engine.TokenEvent;
import dev.skald.sampling.SamplingParams;
import dev.skald.schedule.EngineRequest;
import dev.skald.service.Submitter;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Some requests submitted at once, greedy and without an end token, and the time of each of their tokens. */
final class StreamRun {
    /** One stream; written by the engine thread, read after the latch. */
    private static final class Stream {
        final long[] tokenNanos;
        long submitted;
        int tokens;
        String failure = "";

        Stream(int genTokens) {
            tokenNanos = new long[genTokens];
        }
    }

    private final Stream[] streams;
    private final CountDownLatch ended;

    private StreamRun(int streams, int genTokens) {
        this.streams = new Stream[streams];
        for (int i = 0; i < streams; i++) this.streams[i] = new Stream(genTokens);
        ended = new CountDownLatch(streams);
    }

    /**
     * Runs to the end of all streams.
     *
     * @param prompts one per stream
     * @param name    begins the requests' ids; unique among all runs on the engine
     * @throws BenchException if a request fails, or nothing more comes for {@code timeoutSeconds} in all
     */
    static StreamRun run(Submitter engine, int[][] prompts, int genTokens, String name, long timeoutSeconds) throws InterruptedException {
        StreamRun run = new StreamRun(prompts.length, genTokens);
        for (int i = 0; i < prompts.length; i++) {
            Stream stream = run.streams[i];
            stream.submitted = System.nanoTime();
            engine.submit(request(name + "-" + i, prompts[i], genTokens), event -> run.take(stream, event));
        }
        if (!run.ended.await(timeoutSeconds, TimeUnit.SECONDS)) {
            throw new BenchException(name + " did not end within " + timeoutSeconds + " s");
        }
        for (Stream stream : run.streams) {
            if (!stream.failure.isEmpty()) throw new BenchException(stream.failure);
            if (stream.tokens != genTokens) {
                throw new BenchException("a stream ended after " + stream.tokens + " of " + genTokens + " tokens: the context is too short");
            }
        }
        return run;
    }

    private void take(Stream stream, TokenEvent event) {
        switch (event) {
            case TokenEvent.Token token -> {
                if (stream.tokens < stream.tokenNanos.length) stream.tokenNanos[stream.tokens++] = System.nanoTime();
            }
            case TokenEvent.Failed failed -> {
                stream.failure = failed.failure().message();
                ended.countDown();
            }
            case TokenEvent.Completed completed -> ended.countDown();
            case TokenEvent.Admitted a -> {}
            case TokenEvent.Started s -> {}
            case TokenEvent.PromptScored p -> {}
            case TokenEvent.Finished f -> {}
        }
    }

    /** Seconds from the first submission to the last stream's first token. */
    double prefillSeconds() {
        return (lastFirstToken() - streams[0].submitted) * 1e-9;
    }

    /** Milliseconds to the first token, one per stream. */
    void addFirstTokens(Samples millis) {
        for (Stream stream : streams) millis.add((stream.tokenNanos[0] - stream.submitted) * 1e-6);
    }

    /** Tokens that came while all streams decoded: after the last first token, up to the first last one. */
    int tokensTogether() {
        long from = lastFirstToken();
        long to = firstLastToken();
        int tokens = 0;
        for (Stream stream : streams) {
            for (long nanos : stream.tokenNanos) if (nanos > from && nanos <= to) tokens++;
        }
        return tokens;
    }

    /** How long all streams decoded together. */
    double secondsTogether() {
        return (firstLastToken() - lastFirstToken()) * 1e-9;
    }

    /** Milliseconds between two tokens of a stream while all decoded together. */
    void addGaps(Samples millis) {
        long from = lastFirstToken();
        long to = firstLastToken();
        for (Stream stream : streams) {
            for (int i = 1; i < stream.tokenNanos.length; i++) {
                if (stream.tokenNanos[i - 1] >= from && stream.tokenNanos[i] <= to) {
                    millis.add((stream.tokenNanos[i] - stream.tokenNanos[i - 1]) * 1e-6);
                }
            }
        }
    }

    private long lastFirstToken() {
        long last = Long.MIN_VALUE;
        for (Stream stream : streams) last = Math.max(last, stream.tokenNanos[0]);
        return last;
    }

    private long firstLastToken() {
        long first = Long.MAX_VALUE;
        for (Stream stream : streams) first = Math.min(first, stream.tokenNanos[stream.tokenNanos.length - 1]);
        return first;
    }

    private static EngineRequest request(String id, int[] prompt, int genTokens) {
        return new EngineRequest(
                id, prompt, SamplingParams.GREEDY, 0, 1, OptionalInt.of(genTokens), 0, List.of(), List.of(), -1, -1, 1, 0,
                OptionalLong.empty(), OptionalLong.empty(), "", false, false);
    }
}
