package dev.skald.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.skald.schedule.FinishReason;
import dev.skald.schedule.Limits;
import dev.skald.schedule.StepBudget;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PrefixCacheTest {
    private static RequestBuilder ask(String id, int[] prompt) {
        return new RequestBuilder(id, prompt).max(3);
    }

    @ParameterizedTest(name = "prompt of {0}")
    @ValueSource(ints = {1, 15, 16, 17, 32, 33, 100})
    void anIdenticalPromptReportsAllFullBlocksBelowItsLastTokenAndOnlyTheRestIsComputed(int length) {
        TurnedEngine e = TurnedEngine.of(4, 512, 512, 64);
        int[] prompt = RequestBuilder.ids(length, 1);
        Recorder cold = e.run(ask("cold", prompt));
        assertEquals(0, cold.cached());
        e.turn();
        long before = e.engine.snapshot().load().prefilledTokens();
        assertEquals(length, before);
        Recorder warm = e.run(ask("warm", prompt));
        e.turn();
        int cached = 16 * ((length - 1) / 16);
        assertEquals(cached, warm.cached());
        assertEquals(cached, warm.completed().usage().cachedTokens());
        assertEquals(length - cached, e.engine.snapshot().load().prefilledTokens() - before);
        assertEquals(cached, e.engine.snapshot().load().cachedTokens());
        assertEquals(cold.ids(0), warm.ids(0));
    }

    @Test
    void anAnswerIsFoundAgainInTheNextTurnOfAConversation() {
        TurnedEngine e = TurnedEngine.of(4, 512, 512, 64);
        int[] prompt = RequestBuilder.ids(20, 1);
        List<Integer> answer = e.run(new RequestBuilder("first", prompt).max(30)).ids(0);
        int[] next = IntStream.concat(Arrays.stream(prompt), answer.stream().mapToInt(i -> i)).toArray();
        // 50 tokens, of which the last was drawn but never fed: 49 are in the cache, 48 in full blocks.
        assertEquals(48, e.run(ask("second", Arrays.copyOf(next, 60))).cached());
    }

    @Test
    void saltsBypassAndFlushHitNothing() {
        TurnedEngine e = TurnedEngine.of(4, 512, 512, 64);
        int[] prompt = RequestBuilder.ids(64, 1);
        // The fake device takes a request's salt from its seed.
        e.run(ask("a", prompt).salt("one").seed(1));
        assertEquals(0, e.run(ask("b", prompt).salt("two").seed(2)).cached());
        assertEquals(48, e.run(ask("c", prompt).salt("one").seed(1)).cached());
        RequestBuilder bypass = ask("d", prompt).salt("one").seed(1);
        bypass.bypass = true;
        assertEquals(0, e.run(bypass).cached());
        e.engine.flushPrefixCache();
        assertEquals(0, e.run(ask("e", prompt).salt("one").seed(1)).cached());
        RequestBuilder only = ask("f", RequestBuilder.ids(64, 5));
        only.bypass = true;
        e.run(only);
        assertEquals(0, e.run(ask("g", RequestBuilder.ids(64, 5))).cached(), "who bypasses the cache doesn't fill it either");
    }

    @Test
    void underEvictionTheLongestUnusedPrefixIsLostAndTheNumbersStayRight() {
        TurnedEngine e = TurnedEngine.of(2, 512, 160, 15);
        int[] first = RequestBuilder.ids(100, 1);
        int[] second = RequestBuilder.ids(100, 2);
        int[] third = RequestBuilder.ids(100, 3);
        e.run(ask("1", first));
        e.run(ask("2", second));
        assertEquals(96, e.run(ask("1 again", first)).cached());
        e.run(ask("3", third));
        // 15 blocks, of which 12 were cached: the third prompt needs 7, so the second lost four of its six, its end first.
        assertEquals(32, e.run(ask("2 again", second)).cached());
        e.turn();
        var load = e.engine.snapshot().load();
        assertEquals(load.cachedTokens() + load.prefilledTokens(), 5 * 100);
        assertEquals(0, load.kvBlocksUsed());
    }

    @Test
    void aScoredPromptUsesOnlyHitsBelowItsFirstScore() {
        TurnedEngine e = TurnedEngine.of(2, 512, 160, 20);
        int[] prompt = RequestBuilder.ids(100, 1);
        e.run(ask("warm", prompt));
        assertEquals(0, e.run(ask("all", prompt).score(1, 0)).cached());
        // The score of position 50 needs the logits after position 49: hits below 49.
        Recorder part = e.run(ask("part", prompt).score(50, 0));
        assertEquals(48, part.cached());
        assertEquals(50, part.first(TokenEvent.PromptScored.class).orElseThrow().logprobs().size());
        assertEquals(32, e.run(ask("edge", prompt).score(48, 0)).cached());
        assertEquals(96, e.run(ask("none", prompt).score(100, 0)).cached());
    }

    @ParameterizedTest(name = "depth {0}")
    @ValueSource(ints = {1, 2, 3})
    void tokensPastAStopStringAreNotCachedEvenIfTheTextSideIsLate(int depth) {
        int[] prompt = RequestBuilder.ids(20, 1);
        for (int lateness : new int[] {0, 1, 5, 40, 200}) {
            var limits = new Limits(100, 4, 512, 512, 2, 512, 1, 5, 64, 16);
            TurnedEngine e = new TurnedEngine(limits, StepBudget.unlimited(512), depth);
            Recorder recorder = new Recorder();
            RequestHandle handle = e.submit(new RequestBuilder("s", prompt).max(100), recorder);
            e.turnUntil(() -> recorder.tokens() > 11);
            for (int i = 0; i < lateness; i++) e.turn();
            handle.finish(0, 10);
            e.turnUntil(recorder::over);
            for (int i = 0; i < 5; i++) e.turn();
            boolean inTime = lateness < 80;
            var finished = recorder.first(TokenEvent.Finished.class).orElseThrow();
            assertEquals(inTime ? 11 : 100, finished.tokens());
            assertEquals(inTime ? FinishReason.STOP : FinishReason.LENGTH, finished.reason());
            int[] whole = IntStream.concat(Arrays.stream(prompt), recorder.ids(0).stream().mapToInt(i -> i)).toArray();
            // 20 of the prompt and 11 that count: one full block, whatever was drawn after them.
            assertEquals(16, e.run(ask("next", Arrays.copyOf(whole, 110))).cached(), "lateness " + lateness);
        }
    }
}
