package dev.skald.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.compute.TestDevice;
import dev.skald.compute.TestDevices;
import dev.skald.model.TinyModels;
import dev.skald.schedule.Limits;
import dev.skald.schedule.StepBudget;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChunkedPrefillTest {
    private static final int STREAMS = 8;
    private static final int LENGTH = 2000;
    private static final int BUDGET = 100;

    @ParameterizedTest(name = "depth {0}")
    @ValueSource(ints = {1, 2, 3})
    void eightStreamsEmitInEveryStepOfALongPromptAndNoStepExceedsItsBudget(int depth) {
        Limits limits = new Limits(100, 16, 128, 128, 2, 4096, 1, 0, 1000, 16);
        TurnedEngine e = new TurnedEngine(limits, StepBudget.unlimited(BUDGET), depth);
        List<Recorder> streams = new ArrayList<>();
        for (int i = 0; i < STREAMS; i++) streams.add(e.submit(new RequestBuilder("stream" + i, RequestBuilder.ids(20, i)).max(1000)));
        e.turnUntil(() -> streams.stream().allMatch(s -> s.tokens() >= 3));
        Recorder prompt = e.submit(new RequestBuilder("long", RequestBuilder.ids(LENGTH, 100)).max(4));
        e.turnUntil(() -> prompt.tokens() > 0);

        everyStreamEmitsInEachStepOfThePrompt(e.engine.stepLog().steps());
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("dev.skald.compute.TestDevices#all")
    void theSameOnRealDevices(TestDevices.Factory factory, @TempDir Path folder) {
        TinyModels.DEFAULT.withPositions(2304).write(folder, 3);
        try (TestDevice device = factory.open(); RealModel model = new RealModel(device, folder, 2048); Engine engine = model.engine(16, BUDGET, 1)) {
            List<Recorder> streams = new ArrayList<>();
            for (int i = 0; i < STREAMS; i++) streams.add(submit(engine, new RequestBuilder("stream" + i, ids(20, i)).max(1000)));
            while (!streams.stream().allMatch(s -> s.tokens() >= 3)) engine.loop().turn();
            Recorder prompt = submit(engine, new RequestBuilder("long", ids(LENGTH, 100)).max(4));
            while (prompt.tokens() == 0) {
                List<Integer> before = streams.stream().map(Recorder::tokens).toList();
                engine.loop().turn();
                if (prompt.first(TokenEvent.Started.class).isEmpty()) continue;
                for (int i = 0; i < STREAMS; i++) assertEquals(before.get(i) + 1, streams.get(i).tokens(), "stream " + i + " told its token in the turn of the step");
            }
            everyStreamEmitsInEachStepOfThePrompt(engine.stepLog().steps());
        }
    }

    /** And no step exceeds its budget, and the prompt gets all that the streams leave of each. */
    private static void everyStreamEmitsInEachStepOfThePrompt(List<StepLog.Step> steps) {
        steps.forEach(step -> assertTrue(step.tokens() <= step.budget() && step.budget() <= BUDGET, step.toString()));
        List<StepLog.Step> prefill = steps.stream().filter(s -> s.shares().stream().anyMatch(x -> x.request().equals("long") && x.prefill())).toList();
        assertEquals(Math.ceilDiv(LENGTH, BUDGET - STREAMS), prefill.size());
        for (StepLog.Step step : prefill) {
            for (int i = 0; i < STREAMS; i++) {
                StepLog.Share share = new StepLog.Share("stream" + i, 0, 1, false);
                assertTrue(step.shares().contains(share), share + " is missing in " + step);
            }
        }
        int promptTokens = prefill.stream().flatMap(s -> s.shares().stream()).filter(x -> x.request().equals("long")).mapToInt(StepLog.Share::tokens).sum();
        assertEquals(LENGTH, promptTokens);
    }

    private static int[] ids(int length, int seed) {
        return new Random(seed).ints(length, 3, TinyModels.DEFAULT.vocabulary()).toArray();
    }

    private static Recorder submit(Engine engine, RequestBuilder request) {
        Recorder recorder = new Recorder();
        engine.submit(request.build(), recorder);
        return recorder;
    }

    @Test
    void aStreamsTokenComesOutInTheTurnOfEachStep() {
        Limits limits = new Limits(100, 16, 128, 128, 2, 4096, 1, 0, 1000, 16);
        TurnedEngine e = new TurnedEngine(limits, StepBudget.unlimited(100), 1);
        Recorder stream = e.submit(new RequestBuilder("stream", RequestBuilder.ids(20, 1)).max(1000));
        e.turnUntil(() -> stream.tokens() > 0);
        Recorder prompt = e.submit(new RequestBuilder("long", RequestBuilder.ids(2000, 100)).max(4));
        while (prompt.tokens() == 0) {
            int before = stream.tokens();
            e.turn();
            assertEquals(before + 1, stream.tokens());
        }
    }

    @Test
    void promptsAreComputedFewAtATimeInTheOrderOfTheirArrival() {
        TurnedEngine e = TurnedEngine.of(16, 64, 4096, 1000);
        List<Recorder> prompts = new ArrayList<>();
        for (int i = 0; i < 6; i++) prompts.add(e.submit(new RequestBuilder("p" + i, RequestBuilder.ids(500, i)).max(1)));
        List<String> order = new ArrayList<>();
        e.turnUntil(() -> {
            for (int i = 0; i < 6; i++) if (prompts.get(i).over() && !order.contains("p" + i)) order.add("p" + i);
            assertTrue(prompts.stream().filter(p -> p.first(TokenEvent.Started.class).isPresent() && !p.over()).count() <= 2);
            return order.size() == 6;
        });
        assertEquals(List.of("p0", "p1", "p2", "p3", "p4", "p5"), order);
    }

    @Test
    void aTimedBudgetFollowsTheMeasuredRateAndNeverStopsAPrompt() {
        StepBudget budget = new StepBudget(500_000_000, 32, 2048);
        assertEquals(32, budget.tokens(java.util.OptionalDouble.empty(), 0));
        assertEquals(500, budget.tokens(java.util.OptionalDouble.of(1000), 4));
        assertEquals(32, budget.tokens(java.util.OptionalDouble.of(3), 4));
        assertEquals(76, budget.tokens(java.util.OptionalDouble.of(3), 60));
        assertEquals(2048, budget.tokens(java.util.OptionalDouble.of(1e9), 60));
        assertEquals(2048, StepBudget.unlimited(2048).tokens(java.util.OptionalDouble.of(1), 60));
    }

    @Test
    void aSlowDeviceGetsShortSteps() {
        Limits limits = new Limits(100, 4, 2048, 16, 2, 4096, 1, 0, 1000, 16);
        // The fake device takes 1 ms and 10 µs a token: within 5 ms it does 400 tokens.
        TurnedEngine e = new TurnedEngine(limits, new StepBudget(5_000_000, 32, 2048), 1);
        e.run(new RequestBuilder("long", RequestBuilder.ids(4000, 3)).max(1));
        List<Integer> chunks = e.engine.stepLog().steps().stream().map(StepLog.Step::prefillTokens).filter(n -> n > 0).toList();
        assertEquals(32, chunks.getFirst());
        assertTrue(chunks.stream().allMatch(n -> n <= 500), chunks.toString());
        assertTrue(chunks.stream().anyMatch(n -> n >= 300), chunks.toString());
    }
}
