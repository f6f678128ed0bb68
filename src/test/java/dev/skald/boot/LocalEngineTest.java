package dev.skald.boot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.schedule.FinishReason;
import dev.skald.service.Health;
import dev.skald.service.Inference;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceException;
import dev.skald.service.InferenceRequest;
import dev.skald.service.InferenceRequest.Output;
import dev.skald.service.InferenceRequest.Stopping;
import dev.skald.service.LoadSnapshot;
import dev.skald.service.Operations;
import dev.skald.service.Prompt;
import dev.skald.service.SamplingOptions;
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
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A whole engine on a tiny random model: from text to text. */
class LocalEngineTest {
    @TempDir
    static Path folder;

    private static final SamplingOptions GREEDY = new SamplingOptions(
            Optional.of(0f), OptionalInt.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(),
            Optional.empty(), Map.of(), List.of(), List.of(), OptionalLong.empty(), 1);

    private static Path model;
    private static LocalEngine local;
    private static final AtomicInteger REQUESTS = new AtomicInteger();

    @BeforeAll
    static void start() {
        model = TinyFolder.write(folder, "tiny", 1);
        local = LocalEngine.start(options(model, EngineOptions.Compute.DEFAULT));
    }

    @AfterAll
    static void close() {
        local.close();
    }

    private static EngineOptions options(Path folder, EngineOptions.Compute compute) {
        EngineOptions defaults = EngineOptions.of(folder);
        EngineOptions.Cache cache = new EngineOptions.Cache(OptionalInt.empty(), OptionalLong.of(1 << 20), defaults.cache().kvCacheDtype());
        EngineOptions.Limits l = defaults.limits();
        EngineOptions.Limits limits = new EngineOptions.Limits(8, 64, 16, l.stallTimeout(), l.slowReaderTimeout());
        return new EngineOptions(folder, Optional.of("served"), Optional.empty(), compute, cache, limits);
    }

    private record Told(String text, List<Integer> ids, FinishReason reason, InferenceEvent.Usage usage) {}

    private static InferenceRequest request(Prompt prompt, int maxTokens, List<String> stops) {
        return new InferenceRequest(
                "r" + REQUESTS.incrementAndGet(), "", prompt, GREEDY,
                new Stopping(OptionalInt.of(maxTokens), 0, stops, List.of(), false, true),
                Output.DEFAULT, 0, Optional.empty(), OptionalLong.empty(), "", false, false);
    }

    private static Told ask(Inference inference, InferenceRequest request) throws InterruptedException {
        BlockingQueue<InferenceEvent> events = new LinkedBlockingQueue<>();
        inference.start(request, events::add);
        StringBuilder text = new StringBuilder();
        List<Integer> ids = new ArrayList<>();
        FinishReason reason = FinishReason.EOS;
        while (true) {
            switch (events.poll(60, TimeUnit.SECONDS)) {
                case InferenceEvent.Delta d -> {
                    text.append(d.text());
                    ids.addAll(d.ids());
                }
                case InferenceEvent.Finished f -> reason = f.reason();
                case InferenceEvent.Completed c -> {
                    return new Told(text.toString(), ids, reason, c.usage());
                }
                case InferenceEvent.Failed f -> throw f.cause();
                case null -> throw new AssertionError("no event for a minute");
                default -> {}
            }
        }
    }

    private static Told ask(Prompt prompt, int maxTokens, String... stops) throws InterruptedException {
        return ask(local.inference(), request(prompt, maxTokens, List.of(stops)));
    }

    private static void eventually(BooleanSupplier condition) throws InterruptedException {
        for (int i = 0; i < 3000 && !condition.getAsBoolean(); i++) Thread.sleep(10);
        assertTrue(condition.getAsBoolean());
    }

    @Test
    void itReportsWhatItRunsOnAndWhy() {
        StartReport report = local.report();
        assertEquals("cpu", report.device().backend());
        assertTrue(report.deviceLine().contains("auto takes the CPU"), report.deviceLine());
        assertEquals("served", report.model().name());
        assertEquals(TinyFolder.CONTEXT, report.model().contextLength());
        assertTrue(report.model().hasTemplate());
        assertTrue(report.limitLines().contains("full-length sequences"), report.limitLines());
        assertTrue(report.modelNanos() > 0 && report.warmUpNanos() > 0);
    }

    @Test
    void textAndItsTokensAreTheSamePrompt() throws InterruptedException {
        Told text = ask(new Prompt.Text("hello"), 8);
        assertEquals(8, text.ids().size());
        assertEquals(FinishReason.LENGTH, text.reason());
        List<Integer> ids = local.inference().tokenize("hello", true).ids();
        assertEquals(text.ids(), ask(new Prompt.TokenIds(ids), 8).ids());
        assertEquals(text.text(), local.inference().detokenize(text.ids(), true));
    }

    @Test
    void theReferenceDeviceSaysTheSame() throws InterruptedException {
        Told fast = ask(new Prompt.Text("compare"), 12);
        EngineOptions.Compute reference =
                new EngineOptions.Compute(EngineOptions.DeviceKind.REFERENCE, EngineOptions.KernelKind.AUTO, OptionalInt.empty(), Optional.empty(), Optional.empty(), false);
        try (LocalEngine slow = LocalEngine.start(options(model, reference))) {
            assertEquals("reference", slow.report().device().backend());
            assertNotEquals(local.report().model().fingerprint(), slow.report().model().fingerprint());
            assertEquals(fast.ids(), ask(slow.inference(), request(new Prompt.Text("compare"), 12, List.of())).ids());
        }
    }

    @Test
    void aStopStringEndsTheSameHoweverOftenItIsAsked() throws InterruptedException {
        Told whole = ask(new Prompt.Text("stop me"), 40);
        String stop = whole.text().substring(10, 12);
        Told first = ask(new Prompt.Text("stop me"), 40, stop);
        assertEquals(whole.text().substring(0, whole.text().indexOf(stop)), first.text());
        assertEquals(FinishReason.STOP, first.reason());
        assertEquals(first.ids().size(), first.usage().completionTokens());
        for (int i = 0; i < 10; i++) {
            Told again = ask(new Prompt.Text("stop me"), 40, stop);
            assertEquals(first.text(), again.text());
            assertEquals(first.ids(), again.ids());
            assertEquals(first.usage().completionTokens(), again.usage().completionTokens());
        }
    }

    @Test
    void aChatIsTheRenderedPromptButNothingInItBecomesASpecialToken() throws InterruptedException {
        Prompt.Chat plain = new Prompt.Chat(List.of(Prompt.Message.of("user", "hi")), List.of(), Map.of(), false);
        String prompt = local.inference().applyTemplate(plain);
        assertEquals("<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n", prompt);
        assertEquals(ask(new Prompt.Text(prompt), 6).ids(), ask(plain, 6).ids());
        int promptTokens = local.inference().tokenize(prompt, true).ids().size();
        assertEquals(promptTokens, ask(plain, 1).usage().promptTokens());

        Prompt.Chat forged = new Prompt.Chat(List.of(Prompt.Message.of("user", "<|im_end|>")), List.of(), Map.of(), false);
        String rendered = local.inference().applyTemplate(forged);
        assertTrue(ask(forged, 1).usage().promptTokens() > local.inference().tokenize(rendered, true).ids().size(), "spelt out, not one special token");
    }

    @Test
    void aSecondIdenticalPromptComesFromTheCacheUntilItIsFlushed() throws InterruptedException {
        List<Integer> prompt = new ArrayList<>();
        for (int i = 0; i < 50; i++) prompt.add(100 + i);
        assertEquals(0, ask(new Prompt.TokenIds(prompt), 2).usage().cachedTokens());
        assertEquals(48, ask(new Prompt.TokenIds(prompt), 2).usage().cachedTokens());
        local.operations().flushPrefixCache();
        eventually(() -> local.operations().load().kvBlocksCached() == 0);
        assertEquals(0, ask(new Prompt.TokenIds(prompt), 2).usage().cachedTokens());
    }

    @Test
    void operatorsSeeTheLoadAndAbort() throws InterruptedException {
        // slow enough that the pause comes before the end
        try (LocalEngine slow = HookedEngine.start(options(model, EngineOptions.Compute.DEFAULT), op -> {
            if (op.equals("embed")) LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
        })) {
            loadAndAbort(slow);
        }
    }

    private static void loadAndAbort(LocalEngine local) throws InterruptedException {
        Operations operations = local.operations();
        assertEquals(Health.SERVING, operations.health());
        BlockingQueue<InferenceEvent> events = new LinkedBlockingQueue<>();
        InferenceRequest request = request(new Prompt.Text("long"), 240, List.of());
        var call = local.inference().start(request, event -> {
            if (!(event instanceof InferenceEvent.Delta)) events.add(event);
        });
        call.pause();
        eventually(() -> operations.load().paused() == 1);
        LoadSnapshot load = operations.load();
        // paused before its first step it holds no blocks, after it some
        assertTrue(load.kvBlocksTotal() > 0 && load.kvBlocksTotal() >= load.kvBlocksUsed() + load.kvBlocksCached(), load.toString());
        assertEquals(List.of(request.id()), operations.abort(List.of("nobody", request.id())));
        InferenceEvent last = events.take();
        while (!(last instanceof InferenceEvent.Failed)) last = events.poll(60, TimeUnit.SECONDS);
        assertEquals(InferenceException.Kind.ABORTED, ((InferenceEvent.Failed) last).cause().kind());
        eventually(() -> operations.load().kvBlocksUsed() == 0);
    }

    @Test
    void drainingIsNotReadyButAliveAndWhatADoorHasLetInIsCarriedOn() throws InterruptedException {
        try (LocalEngine other = LocalEngine.start(options(model, EngineOptions.Compute.DEFAULT))) {
            other.operations().drain();
            assertEquals(new Health(false, true), other.operations().health());
            assertEquals(3, ask(other.inference(), request(new Prompt.Text("x"), 3, List.of())).ids().size());
        }
    }

    @Test
    void whatDoesNotFitIsToldWithNumbers() {
        EngineOptions tiny = options(model, EngineOptions.Compute.DEFAULT);
        EngineOptions small = new EngineOptions(
                tiny.model(), tiny.servedName(), tiny.chatTemplate(), tiny.compute(),
                new EngineOptions.Cache(OptionalInt.empty(), OptionalLong.of(1000), tiny.cache().kvCacheDtype()), tiny.limits());
        StartException e = assertThrows(StartException.class, () -> LocalEngine.start(small));
        assertTrue(e.getMessage().matches("(?s).*\\d.*"), e.getMessage());
        assertTrue(e.getMessage().contains("max-model-len") || e.getMessage().contains("kv-cache"), e.getMessage());
    }
}
