package dev.skald.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.schedule.Failure;
import dev.skald.schedule.FinishReason;
import dev.skald.schedule.Limits;
import dev.skald.schedule.StepBudget;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SchedulingPolicyTest {
    private static final long MS = 1_000_000;

    private static List<Recorder> many(TurnedEngine e, int n, int length, int max) {
        List<Recorder> all = new ArrayList<>();
        for (int i = 0; i < n; i++) all.add(e.submit(new RequestBuilder("m" + i, RequestBuilder.ids(length, i * 11)).max(max)));
        return all;
    }

    @Test
    void whenBlocksRunOutTheLastToComeLosesItsPlaceAndItsTextIsTheSame() {
        TurnedEngine e = TurnedEngine.of(4, 256, 160, 14);
        List<Recorder> all = many(e, 4, 30, 60);
        e.turnUntil(() -> all.stream().allMatch(Recorder::over));
        assertTrue(e.engine.snapshot().load().preemptions() > 0);
        assertEquals(0, all.getFirst().completed().timings().preemptions());
        assertTrue(all.getLast().completed().timings().preemptions() > 0);
        for (int i = 0; i < 4; i++) {
            var alone = TurnedEngine.of(4, 256, 160, 40).run(new RequestBuilder("alone", RequestBuilder.ids(30, i * 11)).max(60));
            assertEquals(alone.ids(0), all.get(i).ids(0));
        }
    }

    @ParameterizedTest(name = "depth {0}")
    @ValueSource(ints = {1, 2, 3})
    void aHigherClassTakesThePlaceOfALowerOne(int depth) {
        Limits limits = new Limits(100, 2, 64, 64, 2, 160, 1, 0, 20, 16);
        TurnedEngine e = new TurnedEngine(limits, StepBudget.unlimited(64), depth);
        List<Recorder> low = List.of(
                e.submit(new RequestBuilder("l1", RequestBuilder.ids(20, 1)).max(100)),
                e.submit(new RequestBuilder("l2", RequestBuilder.ids(20, 2)).max(100)));
        e.turnUntil(() -> low.stream().allMatch(r -> r.tokens() > 5));
        Recorder urgent = e.submit(new RequestBuilder("urgent", RequestBuilder.ids(20, 3)).max(3).priority(-5));
        e.turnUntil(urgent::over);
        assertFalse(low.get(1).over());
        e.turnUntil(() -> low.stream().allMatch(Recorder::over));
        assertEquals(0, low.get(0).completed().timings().preemptions());
        assertEquals(1, low.get(1).completed().timings().preemptions());
        assertEquals(100, low.get(1).ids(0).size());
    }

    @Test
    void classesGoFirstThenDeadlinesThenArrivalAndWhoHasWaitedLongGoesBeforeDeadlines() {
        TurnedEngine e = TurnedEngine.of(1, 64, 160, 20);
        Recorder busy = e.submit(new RequestBuilder("busy", RequestBuilder.ids(4, 1)).max(20));
        e.turnUntil(() -> busy.tokens() > 0);
        RequestBuilder old = new RequestBuilder("old", RequestBuilder.ids(4, 9)).max(1);
        List<String> order = new ArrayList<>();
        List<Recorder> recorders = new ArrayList<>();
        List<String> names = new ArrayList<>();
        submit(e, old, "old", names, recorders);
        e.now += 6_000 * MS;
        submit(e, new RequestBuilder("plain", RequestBuilder.ids(4, 2)).max(1), "plain", names, recorders);
        submit(e, deadline(e, "late", 90_000), "late", names, recorders);
        submit(e, deadline(e, "soon", 80_000), "soon", names, recorders);
        submit(e, new RequestBuilder("low", RequestBuilder.ids(4, 5)).max(1).priority(1), "low", names, recorders);
        submit(e, new RequestBuilder("high", RequestBuilder.ids(4, 6)).max(1).priority(-1), "high", names, recorders);
        e.turnUntil(() -> {
            for (int i = 0; i < names.size(); i++) if (recorders.get(i).over() && !order.contains(names.get(i))) order.add(names.get(i));
            return order.size() == 6;
        });
        assertEquals(List.of("high", "old", "soon", "late", "plain", "low"), order);
    }

    private static RequestBuilder deadline(TurnedEngine e, String id, long ms) {
        RequestBuilder b = new RequestBuilder(id, RequestBuilder.ids(4, id.length())).max(1);
        b.deadline = OptionalLong.of(e.now + ms * MS);
        return b;
    }

    private static void submit(TurnedEngine e, RequestBuilder b, String name, List<String> names, List<Recorder> recorders) {
        names.add(name);
        recorders.add(e.submit(b));
    }

    @Test
    void aDeadlineThatAnIdleEngineCantMeetIsExceededAndOneThatTheLoadBreaksIsOverload() {
        TurnedEngine e = TurnedEngine.of(4, 100, 4000, 2000);
        RequestBuilder early = new RequestBuilder("early", RequestBuilder.ids(3000, 4)).max(1);
        early.deadline = OptionalLong.of(e.now + 1 * MS);
        Recorder unknownRate = e.submit(early);
        e.turn();
        assertTrue(unknownRate.first(TokenEvent.Admitted.class).isPresent(), "no rate is known yet");
        e.run(new RequestBuilder("measure", RequestBuilder.ids(3000, 1)).max(1));
        // 2 ms for 100 tokens: 50,000 tokens a second.
        RequestBuilder impossible = new RequestBuilder("impossible", RequestBuilder.ids(3000, 2)).max(1);
        impossible.deadline = OptionalLong.of(e.now + 40 * MS);
        Failure failure = e.run(impossible).failure();
        assertEquals(Failure.Kind.DEADLINE_EXCEEDED, failure.kind());
        assertTrue(failure.retryAfter().isEmpty());

        many(e, 4, 3500, 1);
        e.turn();
        RequestBuilder loaded = new RequestBuilder("loaded", RequestBuilder.ids(3000, 3)).max(1);
        loaded.deadline = OptionalLong.of(e.now + 100 * MS);
        Recorder recorder = e.submit(loaded);
        e.turn();
        assertEquals(Failure.Kind.OVERLOADED, recorder.failure().kind());
        long retry = recorder.failure().retryAfter().orElseThrow().toMillis();
        assertTrue(retry > 200 && retry < 300, retry + " ms for nearly 14,000 tokens");
        RequestBuilder above = new RequestBuilder("above", RequestBuilder.ids(3000, 5)).max(1).priority(-1);
        above.deadline = OptionalLong.of(e.now + 100 * MS);
        Recorder first = e.submit(above);
        e.turnUntil(first::over);
        first.completed();
    }

    @Test
    void aUnaryCallMustHaveTimeForItsMinimumOfTokens() {
        TurnedEngine e = TurnedEngine.of(4, 100, 400, 200);
        e.run(new RequestBuilder("measure", RequestBuilder.ids(300, 1)).max(50));
        RequestBuilder b = new RequestBuilder("unary", RequestBuilder.ids(30, 2)).max(300);
        b.minTokens = 300;
        b.deadline = OptionalLong.of(e.now + 100 * MS);
        b.unary = true;
        assertEquals(Failure.Kind.DEADLINE_EXCEEDED, e.run(b).failure().kind());
        b.unary = false;
        Recorder streaming = e.run(b);
        assertTrue(streaming.tokens() > 50, "a stream is worth its beginning");
        assertEquals(Failure.Kind.DEADLINE_EXCEEDED, streaming.failure().kind());
    }

    @Test
    void whoWaitsTooLongInTheQueueFailsAndWhoHasStartedDoesNot() {
        TurnedEngine e = TurnedEngine.of(1, 64, 160, 20);
        RequestBuilder b = new RequestBuilder("runs", RequestBuilder.ids(4, 1)).max(100);
        b.queueTimeout = OptionalLong.of(20 * MS);
        Recorder runs = e.submit(b);
        RequestBuilder c = new RequestBuilder("waits", RequestBuilder.ids(4, 2)).max(100);
        c.queueTimeout = OptionalLong.of(20 * MS);
        Recorder waits = e.submit(c);
        e.turnUntil(() -> runs.over() && waits.over());
        assertEquals(100, runs.completed().usage().completionTokens());
        assertEquals(Failure.Kind.DEADLINE_EXCEEDED, waits.failure().kind());
        assertTrue(waits.first(TokenEvent.Started.class).isEmpty());
    }

    @Test
    void whoDoesNotWantToWaitStartsAtOnceOrNotAtAll() {
        TurnedEngine e = TurnedEngine.of(1, 64, 160, 20);
        RequestBuilder now = new RequestBuilder("now", RequestBuilder.ids(4, 1)).max(100);
        now.queueTimeout = OptionalLong.of(0);
        Recorder first = e.submit(now);
        e.turn();
        RequestBuilder late = new RequestBuilder("late", RequestBuilder.ids(4, 1)).max(100);
        late.queueTimeout = OptionalLong.of(0);
        assertEquals(Failure.Kind.DEADLINE_EXCEEDED, e.run(late).failure().kind());
        e.turnUntil(first::over);
        first.completed();
    }

    @Test
    void theContextsEndAndTheRequestsMaximumAreTold() {
        TurnedEngine e = TurnedEngine.of(2, 64, 48, 20);
        int[] prompt = RequestBuilder.ids(40, 1);
        Recorder context = e.run(new RequestBuilder("context", prompt));
        assertEquals(8, context.tokens());
        assertEquals(FinishReason.CONTEXT, context.first(TokenEvent.Finished.class).orElseThrow().reason());
        assertEquals(FinishReason.CONTEXT, e.run(new RequestBuilder("more", prompt).max(9)).first(TokenEvent.Finished.class).orElseThrow().reason());
        assertEquals(FinishReason.LENGTH, e.run(new RequestBuilder("fits", prompt).max(8)).first(TokenEvent.Finished.class).orElseThrow().reason());
        assertEquals(Failure.Kind.INVALID, e.run(new RequestBuilder("long", RequestBuilder.ids(48, 1))).failure().kind());
        assertEquals(1, e.run(new RequestBuilder("last", RequestBuilder.ids(47, 1))).tokens());
    }

    @Test
    void choicesShareThePromptsFullBlocksAndCopyOnlyThePartlyFilledOne() {
        for (int length : new int[] {31, 32, 33, 40}) {
            TurnedEngine e = TurnedEngine.of(8, 64, 160, 40);
            Recorder r = e.submit(new RequestBuilder("n", RequestBuilder.ids(length, 1)).max(10).choices(4));
            e.turnUntil(() -> r.tokens() >= 4);
            assertEquals(4, r.tokens(), "all first tokens come from the prompt's last step");
            e.turn();
            int copies = e.plans.stream().mapToInt(p -> p.blockCopies()).sum();
            assertEquals(length % 16 == 0 ? 0 : 3, copies);
            // One more turn publishes the figures: full blocks once, then each choice's own up to the second token that it was fed.
            e.turn();
            int own = (length + 2 + 15) / 16 - length / 16;
            assertEquals(length / 16 + 4 * own, e.engine.snapshot().load().kvBlocksUsed(), "prompt of " + length);
            e.turnUntil(r::over);
            assertEquals(40, r.completed().usage().completionTokens());
            assertEquals(0, e.used());
        }
    }

    @Test
    void aSpoiltRowFailsItsOwnRequestOnly() {
        for (int depth = 1; depth <= 3; depth++) {
            Limits limits = new Limits(100, 4, 64, 64, 2, 160, 2, 0, 40, 16);
            TurnedEngine e = new TurnedEngine(limits, StepBudget.unlimited(64), depth);
            Recorder sound = e.submit(new RequestBuilder("sound", RequestBuilder.ids(20, 1)).max(30));
            // The fake model's rows turn to NaN for this seed, after three tokens.
            Recorder spoilt = e.submit(new RequestBuilder("spoilt", RequestBuilder.ids(20, 1)).max(30).seed(60).choices(2));
            e.turnUntil(() -> sound.over() && spoilt.over());
            assertEquals(30, sound.completed().usage().completionTokens());
            assertEquals(Failure.Kind.INTERNAL, spoilt.failure().kind());
            assertEquals(3, spoilt.ids(0).size());
            for (int i = 0; i < 3; i++) e.turn();
            assertEquals(0, e.used());
            assertEquals(EngineHealth.WELL, e.engine.health());
        }
    }
}
