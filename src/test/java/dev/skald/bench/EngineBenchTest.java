package dev.skald.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.engine.EngineSnapshot;
import dev.skald.engine.RequestHandle;
import dev.skald.engine.TokenEvent;
import dev.skald.engine.TokenSink;
import dev.skald.schedule.EngineRequest;
import dev.skald.schedule.Failure;
import dev.skald.schedule.FinishReason;
import dev.skald.schedule.Load;
import dev.skald.service.Submitter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class EngineBenchTest {
    private static final ModelCost COST = new ModelCost(2_000_000, 1_000_000);
    private static final Measurement.Subject SUBJECT = new Measurement.Subject("m", "cpu", "java-vector-512", "BF16", 1, 50, COST);
    private static final TokenEvent.Usage USAGE = new TokenEvent.Usage(0, 0, 0);
    private static final TokenEvent.Timings TIMINGS = new TokenEvent.Timings(0, 0, 0, 0);

    /** Answers as soon as a run's requests are all there: a token for each in turn. */
    private static final class FakeEngine implements Submitter {
        final List<EngineRequest> seen = new ArrayList<>();
        private final List<EngineRequest> waiting = new ArrayList<>();
        private final List<TokenSink> sinks = new ArrayList<>();
        private final int streams;
        private final boolean oneAfterTheOther;

        FakeEngine(int streams, boolean oneAfterTheOther) {
            this.streams = streams;
            this.oneAfterTheOther = oneAfterTheOther;
        }

        @Override
        public RequestHandle submit(EngineRequest request, TokenSink sink) {
            seen.add(request);
            waiting.add(request);
            sinks.add(sink);
            if (waiting.size() == streams) answer();
            return new NoHandle();
        }

        private void answer() {
            int n = waiting.getFirst().maxTokens().orElseThrow();
            if (oneAfterTheOther) {
                for (TokenSink sink : sinks) for (int i = 0; i < n; i++) token(sink, i);
            } else {
                for (int i = 0; i < n; i++) for (TokenSink sink : sinks) token(sink, i);
            }
            for (TokenSink sink : sinks) {
                sink.accept(new TokenEvent.Finished(0, FinishReason.LENGTH, n, OptionalInt.empty()));
                sink.accept(new TokenEvent.Completed(USAGE, TIMINGS));
            }
            waiting.clear();
            sinks.clear();
        }

        private static void token(TokenSink sink, int index) {
            long start = System.nanoTime();
            while (System.nanoTime() - start < 20_000) Thread.onSpinWait(); // so that no two tokens have one time
            sink.accept(new TokenEvent.Token(0, index, 1, Optional.empty()));
        }
    }

    private static final class FakeMachine implements EngineBench.Machine {
        @Override
        public double readGigabytes(int threads) {
            return 12.5;
        }

        @Override
        public OptionalDouble fmaGigas(int threads) {
            return OptionalDouble.of(40);
        }
    }

    private static final class NoHandle implements RequestHandle {
        @Override
        public void cancel(Failure failure) {}

        @Override
        public void finish(int choice, int atToken) {}

        @Override
        public void pause() {}

        @Override
        public void resume() {}
    }

    @Test
    void each_run_prefills_new_prompts_and_decodes_them_from_the_cache() throws InterruptedException {
        FakeEngine engine = new FakeEngine(3, false);
        Measurement m = run(engine, new EngineBench.Settings(7, 20, List.of(3), 2, 5, 30));
        assertEquals(3 * 2 * 3, engine.seen.size());
        Set<String> prompts = new HashSet<>();
        Set<String> ids = new HashSet<>();
        for (int i = 0; i < engine.seen.size(); i++) {
            EngineRequest request = engine.seen.get(i);
            boolean prefill = i / 3 % 2 == 0;
            assertEquals(prefill ? 1 : 20, request.maxTokens().orElseThrow());
            assertEquals(7, request.prompt().length);
            assertTrue(Arrays.stream(request.prompt()).allMatch(id -> id >= 0 && id < 50));
            assertEquals(prefill, prompts.add(Arrays.toString(request.prompt())), "only the decoding run repeats its prompts");
            assertTrue(ids.add(request.id()));
            assertTrue(request.eosIds().isEmpty() && !request.cacheBypass());
        }
        assertTrue(m.prefillRate() > 0);
        assertTrue(m.decodeRate().orElseThrow() > 0 && m.decodeRate().orElseThrow() <= 1e9 / 20_000);
        assertTrue(m.itlMillis().orElseThrow() >= 3 * 0.02);
        assertTrue(m.ttftMillis() >= 0.02);
        assertEquals(12.5, m.readGigabytes());
        assertEquals(0.01, m.overhead().orElseThrow());
    }

    @Test
    void without_generated_tokens_only_prefill_is_measured() throws InterruptedException {
        FakeEngine engine = new FakeEngine(1, false);
        Measurement m = run(engine, new EngineBench.Settings(4, 0, List.of(1), 1, 5, 30));
        assertEquals(2, engine.seen.size());
        assertEquals(OptionalDouble.empty(), m.decodeRate());
        assertEquals(OptionalDouble.empty(), m.bandwidthShare());
    }

    @Test
    void streams_that_did_not_decode_together_are_no_measurement() {
        FakeEngine engine = new FakeEngine(4, true);
        BenchException e = assertThrows(BenchException.class, () -> run(engine, new EngineBench.Settings(4, 20, List.of(4), 1, 5, 30)));
        assertTrue(e.getMessage().contains("KV cache is too small"), e.getMessage());
    }

    @Test
    void a_failed_request_ends_the_measurement_with_its_sentence() {
        Submitter refusing = (request, sink) -> {
            sink.accept(new TokenEvent.Failed(Failure.of(Failure.Kind.INVALID, "the prompt is too long"), USAGE, TIMINGS));
            return new NoHandle();
        };
        BenchException e = assertThrows(BenchException.class, () -> run(refusing, new EngineBench.Settings(4, 20, List.of(1), 1, 5, 30)));
        assertEquals("the prompt is too long", e.getMessage());
    }

    @Test
    void shares_relate_what_was_measured_to_what_the_machine_can() {
        Measurement m = new Measurement(
                SUBJECT, 4, 512, 128, 300, OptionalDouble.of(400), 10, OptionalDouble.of(2), 10, OptionalDouble.of(50), OptionalLong.of(9), OptionalDouble.of(0.01));
        assertEquals(100 * 2e6 / 10e9, m.bandwidthShare().orElseThrow(), 1e-12); // 100 steps a second
        assertEquals(300 * 1e6 / 50e9, m.peakShare().orElseThrow(), 1e-12);
        assertEquals(
                List.of("model", "device", "isa", "dtype", "threads", "streams", "prompt_tokens", "gen_tokens", "prefill_tokens_per_s",
                        "decode_tokens_per_s", "ttft_ms_p50", "itl_ms_p50", "read_gb_per_s", "bandwidth_share", "peak_share", "weight_bytes",
                        "peak_rss_bytes", "engine_overhead"),
                List.copyOf(m.fields().keySet()));
        assertEquals(0.02, m.fields().get("bandwidth_share"));
        assertEquals(9L, m.fields().get("peak_rss_bytes"));
    }

    @Test
    void settings_name_the_flag_that_is_wrong() {
        assertFlag("-p", () -> new EngineBench.Settings(0, 2, List.of(1), 1, 0, 1));
        assertFlag("-n", () -> new EngineBench.Settings(1, 1, List.of(1), 1, 0, 1));
        assertFlag("-r", () -> new EngineBench.Settings(1, 2, List.of(1), 0, 0, 1));
        assertFlag("--streams", () -> new EngineBench.Settings(1, 2, List.of(), 1, 0, 1));
        assertFlag("--streams", () -> new EngineBench.Settings(1, 2, List.of(1, 0), 1, 0, 1));
        assertEquals(16, new EngineBench.Settings(1, 2, List.of(1, 16, 4), 1, 0, 1).mostStreams());
        assertFalse(new EngineBench.Settings(1, 0, List.of(1), 1, 0, 1).streams().isEmpty());
    }

    private static void assertFlag(String flag, org.junit.jupiter.api.function.Executable executable) {
        String message = assertThrows(IllegalArgumentException.class, executable).getMessage();
        assertTrue(message.startsWith(flag + " "), message);
    }

    /** An engine that has spent one nanosecond of a hundred outside the device, at each look. */
    private static Supplier<EngineSnapshot> figures() {
        AtomicInteger looks = new AtomicInteger();
        Load load = new Load(0, 0, 0, 0, 0, 0, 0, 0, OptionalDouble.empty(), OptionalDouble.empty(), 0, 0, 0, 0);
        return () -> new EngineSnapshot(load, 0, 99L * looks.get(), looks.getAndIncrement());
    }

    private static Measurement run(Submitter engine, EngineBench.Settings settings) throws InterruptedException {
        List<Measurement> measured = new ArrayList<>();
        new EngineBench(engine, figures(), SUBJECT, settings, new FakeMachine()).run(measured::add);
        assertEquals(1, measured.size());
        return measured.getFirst();
    }
}
