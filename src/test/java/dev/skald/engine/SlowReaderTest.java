package dev.skald.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.schedule.Failure;
import dev.skald.schedule.Limits;
import dev.skald.schedule.StepBudget;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SlowReaderTest {
    private static TurnedEngine engine(int depth) {
        return new TurnedEngine(new Limits(100, 4, 64, 64, 2, 160, 1, 0, 14, 16), StepBudget.unlimited(64), depth);
    }

    @ParameterizedTest(name = "depth {0}")
    @ValueSource(ints = {1, 2, 3})
    void withAllSlotsOrBlocksHeldByClientsThatDontReadANewRequestStillGetsItsTokens(int depth) {
        for (int prompt : new int[] {5, 45}) {
            TurnedEngine e = engine(depth);
            List<Recorder> slow = new ArrayList<>();
            List<RequestHandle> handles = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                slow.add(new Recorder());
                handles.add(e.submit(new RequestBuilder("slow" + i, RequestBuilder.ids(prompt, i)).max(100), slow.get(i)));
            }
            e.turnUntil(() -> slow.stream().allMatch(r -> r.tokens() > 0));
            handles.forEach(RequestHandle::pause);
            for (int i = 0; i < 2 * depth; i++) e.turn();
            int told = slow.stream().mapToInt(Recorder::tokens).sum();
            Recorder reader = e.submit(new RequestBuilder("reader", RequestBuilder.ids(30, 9)).max(3));
            e.turnUntil(reader::over);
            assertEquals(3, reader.completed().usage().completionTokens());
            assertEquals(told, slow.stream().mapToInt(Recorder::tokens).sum(), "who is paused gets nothing");
            assertTrue(e.engine.snapshot().load().preemptions() > 0);

            handles.get(0).resume();
            e.turnUntil(() -> slow.get(0).over());
            assertEquals(100, slow.get(0).completed().usage().completionTokens());
            e.now += 31_000_000_000L;
            e.turnUntil(() -> slow.stream().allMatch(Recorder::over));
            for (int i = 1; i < 4; i++) assertEquals(Failure.Kind.SLOW_READER, slow.get(i).failure().kind());
            assertEquals(0, e.used());
        }
    }

    @ParameterizedTest(name = "depth {0}")
    @ValueSource(ints = {1, 2})
    void aPauseThatEndsInTimeChangesNothingOfTheText(int depth) {
        List<Integer> expected = engine(1).run(new RequestBuilder("r", RequestBuilder.ids(30, 1)).max(80)).ids(0);
        TurnedEngine e = engine(depth);
        Recorder r = new Recorder();
        RequestHandle handle = e.submit(new RequestBuilder("r", RequestBuilder.ids(30, 1)).max(80), r);
        for (int i = 0; !r.over(); i++) {
            if (i % 7 == 3) handle.pause();
            if (i % 7 == 5) handle.resume();
            if (!e.turn()) e.now += 1_000_000;
            assertTrue(i < 10_000);
        }
        assertEquals(expected, r.ids(0));
        assertEquals(0, r.completed().timings().preemptions(), "nobody needed its room");
    }
}
