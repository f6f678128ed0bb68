package dev.skald.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.compute.TestDevice;
import dev.skald.compute.TestDevices;
import dev.skald.model.TinyModels;
import dev.skald.sampling.SamplingParams;
import dev.skald.tensor.DType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The numeric contract through the whole engine, on real devices: keys, values and log-probabilities of a sequence are the same bits drawn token
 * by token, computed again in chunks of any size, after preemptions and behind a prefix hit, alone and among 63 others, on 1, 2 and 3 threads.
 */
class EngineNumericContractTest {
    private static final SamplingParams SAMPLING = new SamplingParams(0.8f, 0, 0.95f, 0, 1.1f, 0.1f, 0.1f, Map.of(), List.of(), List.of());
    private static final int[] PROMPT = new Random(5).ints(11, 3, 61).toArray();
    private static final int OTHERS = RealModel.SEQUENCES - 1;

    @TempDir
    Path folder;

    /** @param logprobs by position; 0 where none was asked for */
    private record Result(int[] ids, float[] logprobs, int[] kv, int preemptions) {}

    static Stream<TestDevices.Factory> devices() {
        return Stream.concat(TestDevices.all(), TestDevices.cpus(2));
    }

    /** The simulated GPU takes a thread for each of a GPU's: with the slow suites. */
    static Stream<TestDevices.Factory> quickDevices() {
        return devices().filter(d -> !d.name().startsWith("cuda"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("quickDevices")
    void noBitDependsOnHowASequenceIsScheduled(TestDevices.Factory factory) {
        check(factory, 75, new int[] {75, 7}, new int[] {7});
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("devices")
    @Tag("slow")
    void noBitOfALongSequenceDependsOnHowItIsScheduled(TestDevices.Factory factory) {
        // Beyond one of attention's splits of 256 positions.
        check(factory, 290, new int[] {290, 64, 7, 1}, new int[] {290, 64, 7, 1});
    }

    private void check(TestDevices.Factory factory, int length, int[] chunksAlone, int[] chunksAmongOthers) {
        TinyModels.DEFAULT.withDtype(DType.BF16).withBias().write(folder, 3);
        Optional<Result> oneThread = factory.oneThread().map(maker -> oneThread(maker, length));
        try (TestDevice device = factory.open(); RealModel model = new RealModel(device, folder, 2 * length)) {
            Result alone = drawn(model, length, 0, 1, 0);
            oneThread.ifPresent(expected -> same(expected, alone, 1, "one thread"));
            same(alone, drawn(model, length, 0, 2, 0), 1, "two steps in flight");
            same(alone, drawn(model, length, OTHERS, 1, 0), 1, "drawn among others");
            for (int others : new int[] {0, OTHERS}) {
                Result preempted = drawn(model, length, others, 1, 3);
                assertTrue(preempted.preemptions >= 3, preempted.preemptions + " preemptions");
                same(alone, preempted, 1, "preempted among " + others);
            }
            List<List<Integer>> choices = choices(model, alone, 0, 1);
            assertEquals(choices, choices(model, alone, OTHERS - 2, 1));
            assertEquals(choices, choices(model, alone, OTHERS - 2, 2));
            for (int chunk : chunksAlone) same(alone, scored(model, alone.ids, 0, chunk), 1, "chunks of " + chunk);
            for (int chunk : chunksAmongOthers) same(alone, scored(model, alone.ids, OTHERS, chunk), 1, "chunks of " + chunk + " among others");
            for (int others : new int[] {0, OTHERS}) same(alone, behindPrefix(model, alone.ids, others), 49, "behind a prefix, among " + others);
        }
    }

    private Result oneThread(Supplier<TestDevice> maker, int length) {
        try (TestDevice device = maker.get(); RealModel model = new RealModel(device, folder, 2 * length)) {
            return drawn(model, length, 0, 1, 0);
        }
    }

    private static void same(Result expected, Result actual, int firstScore, String what) {
        assertArrayEquals(expected.ids, actual.ids, what);
        assertArrayEquals(expected.kv, actual.kv, what);
        for (int p = firstScore; p < expected.ids.length; p++) {
            assertEquals(Float.floatToRawIntBits(expected.logprobs[p]), Float.floatToRawIntBits(actual.logprobs[p]), what + ": score of " + p);
        }
    }

    /** The prompt is scored, then token after token is drawn. @param preemptions how often a request of a higher class takes its place */
    private static Result drawn(RealModel model, int length, int others, int depth, int preemptions) {
        int every = length / (preemptions + 2);
        try (Run run = new Run(model, model.engine(others + 1, others + 16, depth), others)) {
            RequestBuilder request = new RequestBuilder(RealModel.WATCHED, PROMPT).max(length - PROMPT.length).seed(7).priority(5).score(1, 0);
            request.sampling = SAMPLING;
            request.topLogprobs = 2;
            request.bypass = true;
            Recorder watched = run.submit(request);
            for (int i = 1; i <= preemptions; i++) {
                int tokens = i * every;
                run.turnUntil(watched, tokens);
                Recorder urgent = run.submit(new RequestBuilder("urgent" + i, 3, 4, 5).max(2).priority(-1));
                run.turnUntil(urgent, Integer.MAX_VALUE);
            }
            run.turnUntil(watched, Integer.MAX_VALUE);
            return run.result(watched, PROMPT, 1);
        }
    }

    /** Three answers to the prompt, of which the first is the one that is drawn alone. */
    private static List<List<Integer>> choices(RealModel model, Result alone, int others, int depth) {
        try (Run run = new Run(model, model.engine(others + 3, others + 16, depth), others)) {
            RequestBuilder request = new RequestBuilder(RealModel.WATCHED, PROMPT).max(alone.ids.length - PROMPT.length).seed(7).choices(3).score(1, 0);
            request.sampling = SAMPLING;
            request.topLogprobs = 2;
            Recorder watched = run.submit(request);
            run.turnUntil(watched, Integer.MAX_VALUE);
            same(alone, run.result(watched, PROMPT, 1), 1, "the first of three choices among " + others);
            List<List<Integer>> texts = List.of(watched.ids(0), watched.ids(1), watched.ids(2));
            assertEquals(3, Set.copyOf(texts).size(), "three choices are three texts");
            return texts;
        }
    }

    /** All tokens are a prompt, computed in chunks. */
    private static Result scored(RealModel model, int[] ids, int others, int chunk) {
        try (Run run = new Run(model, model.engine(others + 1, others + chunk, 1), others)) {
            RequestBuilder request = new RequestBuilder(RealModel.WATCHED, ids).max(0).score(1, 2);
            request.bypass = true;
            Recorder watched = run.submit(request);
            run.turnUntil(watched, Integer.MAX_VALUE);
            int largest = run.engine.stepLog().steps().stream()
                    .flatMap(s -> s.shares().stream())
                    .filter(s -> s.request().equals(RealModel.WATCHED))
                    .mapToInt(StepLog.Share::tokens)
                    .max()
                    .orElseThrow();
            assertEquals(Math.min(chunk, ids.length), largest);
            return run.result(watched, ids, 1);
        }
    }

    /** The beginning comes from blocks that another request has left. */
    private static Result behindPrefix(RealModel model, int[] ids, int others) {
        try (Run run = new Run(model, model.engine(others + 1, others + 16, 1), others)) {
            run.turnUntil(run.submit(new RequestBuilder("first", ids).max(1)), Integer.MAX_VALUE);
            Recorder watched = run.submit(new RequestBuilder(RealModel.WATCHED, ids).max(0).score(49, 2));
            run.turnUntil(watched, Integer.MAX_VALUE);
            assertEquals(48, watched.cached());
            return run.result(watched, ids, 49);
        }
    }

    /** One engine with its crowd, turned by the test's own thread. */
    private static final class Run implements AutoCloseable {
        private final RealModel model;
        private final Engine engine;

        Run(RealModel model, Engine engine, int others) {
            this.model = model;
            this.engine = engine;
            model.forgetSeen();
            Random random = new Random(others);
            List<Recorder> crowd = new ArrayList<>();
            for (int i = 0; i < others; i++) {
                RequestBuilder other = new RequestBuilder("other" + i, random.ints(1 + random.nextInt(5), 3, 61).toArray()).seed(i);
                other.sampling = SAMPLING;
                crowd.add(submit(other));
            }
            while (!crowd.stream().allMatch(r -> r.tokens() > 0)) engine.loop().turn();
        }

        Recorder submit(RequestBuilder request) {
            Recorder recorder = new Recorder();
            engine.submit(request.build(), recorder);
            return recorder;
        }

        void turnUntil(Recorder recorder, int tokens) {
            for (int i = 0; !recorder.over() && recorder.tokens() < tokens; i++) {
                engine.loop().turn();
                assertTrue(i < 100_000, "nothing comes of it");
            }
        }

        Result result(Recorder watched, int[] prompt, int scoreFrom) {
            int preemptions = watched.completed().timings().preemptions();
            int[] ids = IntStream.concat(IntStream.of(prompt), watched.ids(0).stream().mapToInt(i -> i)).toArray();
            float[] logprobs = new float[ids.length];
            List<TokenLogprob> scores = watched.first(TokenEvent.PromptScored.class).orElseThrow().logprobs();
            for (int i = 0; i < scores.size(); i++) logprobs[scoreFrom + i] = scores.get(i).logprob();
            List<TokenEvent.Token> drawn = watched.all(TokenEvent.Token.class).stream().filter(t -> t.choice() == 0).toList();
            for (int i = 0; i < drawn.size(); i++) logprobs[prompt.length + i] = drawn.get(i).logprob().orElseThrow().logprob();
            return new Result(ids, logprobs, model.kv(ids.length - 1), preemptions);
        }

        @Override
        public void close() {
            engine.close();
        }
    }
}
