package dev.skald.compute.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.boot.EngineOptions;
import dev.skald.boot.LocalEngine;
import dev.skald.engine.EngineHealth;
import dev.skald.engine.TokenEvent;
import dev.skald.compute.DeviceLostException;
import dev.skald.sampling.SamplingParams;
import dev.skald.schedule.EngineRequest;
import dev.skald.schedule.Failure;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceException;
import dev.skald.service.InferenceRequest;
import dev.skald.service.InferenceRequest.Output;
import dev.skald.service.InferenceRequest.Stopping;
import dev.skald.service.Prompt;
import dev.skald.service.SamplingOptions;
import dev.skald.tensor.DType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** skald-mini with everything above it on the (simulated) GPU: what it answers, what crosses the bus, and what happens when the card is lost. */
class CudaEngineTest {
    private static final Path MODEL = Path.of("src/skald-mini/model");
    private static final String KERNELS = "skald.cuda.kernels";
    private static final int PATIENCE_SECONDS = 120;

    @BeforeEach
    void needsTheDevice() {
        SimCuda.use();
        System.setProperty(KERNELS, SimCuda.kernels().toString());
    }

    @AfterEach
    void mend() {
        SimCuda.lose(0);
        System.clearProperty(KERNELS);
    }

    private static LocalEngine start(EngineOptions.DeviceKind device) {
        return start(device, Optional.empty(), false);
    }

    private static LocalEngine start(EngineOptions.DeviceKind device, Optional<DType> type, boolean enforceEager) {
        EngineOptions defaults = EngineOptions.of(MODEL);
        EngineOptions.Compute compute = new EngineOptions.Compute(
                device, EngineOptions.KernelKind.AUTO, OptionalInt.empty(), type, Optional.empty(), true, enforceEager);
        EngineOptions.Cache cache = new EngineOptions.Cache(OptionalInt.of(128), OptionalLong.of(8 << 20), DType.F16);
        EngineOptions.Limits l = new EngineOptions.Limits(4, 64, 16, defaults.limits().stallTimeout(), defaults.limits().slowReaderTimeout());
        return LocalEngine.start(new EngineOptions(MODEL, Optional.empty(), Optional.empty(), compute, cache, l));
    }

    private static String answer(LocalEngine local, String prompt) throws InterruptedException {
        SamplingOptions greedy = new SamplingOptions(
                Optional.of(0f), OptionalInt.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(),
                Optional.empty(), Map.of(), List.of(), List.of(), OptionalLong.empty(), 1);
        BlockingQueue<InferenceEvent> events = new LinkedBlockingQueue<>();
        local.inference().start(
                new InferenceRequest(
                        "r", "", new Prompt.Text(prompt), greedy, new Stopping(OptionalInt.of(4), 0, List.of(), List.of(), false, false),
                        Output.DEFAULT, 0, Optional.empty(), OptionalLong.empty(), "", false, false),
                events::add);
        StringBuilder text = new StringBuilder();
        while (true) {
            switch (events.poll(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                case InferenceEvent.Delta d -> text.append(d.text());
                case InferenceEvent.Completed c -> {
                    return text.toString();
                }
                case InferenceEvent.Failed f -> throw f.cause();
                case null -> throw new AssertionError("no event");
                default -> {}
            }
        }
    }

    @Test
    void skaldMiniAnswersAsOnTheCpu() throws InterruptedException, InferenceException {
        try (LocalEngine gpu = start(EngineOptions.DeviceKind.AUTO); LocalEngine cpu = start(EngineOptions.DeviceKind.CPU)) {
            assertEquals("cuda", gpu.report().device().backend());
            assertTrue(gpu.report().deviceLine().contains("auto takes the GPU"), gpu.report().deviceLine());
            for (String prompt : new String[] {"111+222=", "中国的首都是"}) {
                String expected = answer(cpu, prompt);
                assertEquals(expected, answer(gpu, prompt), prompt);
            }
            assertTrue(answer(gpu, "111+222=").startsWith("333"));
        }
    }

    /** Products are bitwise the CPU's then, so what differs is norm and attention. */
    @ParameterizedTest
    @EnumSource(names = {"Q4_0", "Q8_0", "Q4_K"})
    void aQuantisedSkaldMiniAnswersAsOnTheCpu(DType type) throws InterruptedException, InferenceException {
        try (LocalEngine gpu = start(EngineOptions.DeviceKind.CUDA, Optional.of(type), false); LocalEngine cpu = start(EngineOptions.DeviceKind.CPU, Optional.of(type), false)) {
            assertEquals("cuda", gpu.report().device().backend());
            for (String prompt : new String[] {"111+222=", "中国的首都是"}) assertEquals(answer(cpu, prompt), answer(gpu, prompt), prompt);
            assertTrue(answer(gpu, "111+222=").startsWith("333"));
        }
    }

    private static EngineRequest request(String id, int tokens) {
        return new EngineRequest(
                id, new int[] {5, 6, 7}, SamplingParams.GREEDY, 1, 1, OptionalInt.of(tokens), tokens, List.of(), List.of(), -1, -1, 1, 0,
                OptionalLong.empty(), OptionalLong.empty(), "", true, false);
    }

    private static TokenEvent last(BlockingQueue<TokenEvent> events) throws InterruptedException {
        while (true) {
            TokenEvent event = events.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
            if (event == null) throw new AssertionError("no event");
            if (event instanceof TokenEvent.Completed || event instanceof TokenEvent.Failed) return event;
        }
    }

    @Test
    void aStepOfDecodeMovesOneSmallBlockEachWayAndAllocatesNothing() throws InterruptedException {
        try (LocalEngine gpu = start(EngineOptions.DeviceKind.CUDA)) {
            assertTrue(gpu.report().memoryLine().contains("workspace and graphs"), gpu.report().memoryLine());
            long steps = gpu.engine().snapshot().steps();
            SimCuda.Counters before = SimCuda.counters();
            BlockingQueue<TokenEvent> events = new LinkedBlockingQueue<>();
            int tokens = 16;
            gpu.engine().submit(request("r", tokens), events::add);
            assertTrue(last(events) instanceof TokenEvent.Completed);
            gpu.close();
            SimCuda.Counters moved = SimCuda.counters().since(before);
            int most = tokens + 2; // with a step planned ahead that was not needed
            assertTrue(moved.copiesDown() >= tokens && moved.copiesDown() <= most, moved + " after " + steps + " steps");
            assertEquals(moved.copiesDown(), moved.copiesUp() - 1, "a block up for each step, and one for the slot");
            assertEquals(4, moved.bytesDown() / moved.copiesDown(), "one token id comes back");
            assertTrue(moved.bytesUp() / moved.copiesUp() < 2500, moved.bytesUp() / moved.copiesUp() + " bytes up a step");
            assertEquals(0, moved.allocations(), "allocations after the start");
            int layers = gpu.spec().layers();
            long mostLaunches = moved.copiesDown() * (9L * layers + 9) + moved.copiesUp();
            assertTrue(moved.launches() <= mostLaunches, moved.launches() + " launches, at most " + mostLaunches);
            assertEquals(2 * moved.copiesDown(), moved.graphLaunches(), "two graphs a step");
            long tablesAndSlot = (tokens + 3) / 16 + 2;
            assertTrue(moved.launchCalls() <= tablesAndSlot, moved.launchCalls() + " kernels launched one by one, at most " + tablesAndSlot);
        }
    }

    @Test
    void withoutGraphsEachKernelIsLaunchedAndTheTokensAreTheSame() throws InterruptedException {
        List<List<Integer>> answers = new ArrayList<>();
        for (boolean eager : new boolean[] {false, true}) {
            try (LocalEngine gpu = start(EngineOptions.DeviceKind.CUDA, Optional.empty(), eager)) {
                SimCuda.Counters before = SimCuda.counters();
                List<BlockingQueue<TokenEvent>> all = new ArrayList<>();
                for (int i = 0; i < 3; i++) {
                    BlockingQueue<TokenEvent> events = new LinkedBlockingQueue<>();
                    gpu.engine().submit(request("r" + i, 8 + i), events::add);
                    all.add(events);
                }
                for (BlockingQueue<TokenEvent> events : all) answers.add(tokens(events));
                gpu.close();
                SimCuda.Counters done = SimCuda.counters().since(before);
                if (eager) assertEquals(done.launches(), done.launchCalls());
                else assertTrue(done.launches() > 10 * done.launchCalls(), done.toString());
                assertEquals(eager, done.graphLaunches() == 0);
            }
        }
        assertEquals(8, answers.get(0).size());
        assertEquals(answers.subList(0, 3), answers.subList(3, 6));
    }

    private static List<Integer> tokens(BlockingQueue<TokenEvent> events) throws InterruptedException {
        List<Integer> tokens = new ArrayList<>();
        while (true) {
            switch (events.poll(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                case TokenEvent.Token t -> tokens.add(t.id());
                case TokenEvent.Completed c -> {
                    return tokens;
                }
                case null -> throw new AssertionError("no event");
                case TokenEvent.Failed f -> throw new AssertionError(f.failure().message());
                default -> {}
            }
        }
    }

    @Test
    void aLostCardFailsWhatRunsAndSaysWhichCallTold() throws InterruptedException {
        try (LocalEngine gpu = start(EngineOptions.DeviceKind.CUDA)) {
            List<BlockingQueue<TokenEvent>> all = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                BlockingQueue<TokenEvent> events = new LinkedBlockingQueue<>();
                gpu.engine().submit(request("r" + i, 100), events::add);
                all.add(events);
            }
            SimCuda.lose(719);
            for (BlockingQueue<TokenEvent> events : all) {
                TokenEvent.Failed failed = (TokenEvent.Failed) last(events);
                assertEquals(Failure.Kind.UNAVAILABLE, failed.failure().kind());
                assertTrue(failed.failure().message().matches("the CUDA device is lost: cu\\w+ failed with CUDA_ERROR_LAUNCH_FAILED \\(719\\)"),
                        failed.failure().message());
            }
            EngineHealth.Broken broken = (EngineHealth.Broken) gpu.engine().health();
            assertTrue(broken.cause() instanceof DeviceLostException);
        }
    }
}
