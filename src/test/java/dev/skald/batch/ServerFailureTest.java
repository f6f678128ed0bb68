package dev.skald.batch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.service.InferenceException;
import dev.skald.service.InferenceException.Kind;
import dev.skald.service.ModelInfo;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a job does when those who answer don't. */
class ServerFailureTest {
    @TempDir
    private Path folder;

    private JobFixture fixture() {
        return new JobFixture(folder);
    }

    private static Optional<InferenceException> fail(Kind kind, Duration... retryAfter) {
        return Optional.of(EchoInference.failure(kind, retryAfter));
    }

    @Test
    void linesThatABusyServerRefusesAreAnsweredElsewhere() throws Exception {
        EchoInference busy = new EchoInference(0);
        busy.refuses = r -> fail(Kind.RESOURCE_EXHAUSTED, Duration.ofMinutes(10));
        EchoInference idle = new EchoInference(1);
        JobFixture job = fixture().lines(100);
        job.lanes = List.of(new TestLane("busy", busy, 8, true), new TestLane("idle", idle, 8, true));
        assertEquals(100, job.run().answered());
        assertTrue(busy.asked.get() <= 8, "its push-back was kept: it was asked " + busy.asked + " times");
    }

    @Test
    void aServerIsGivenLinesAgainWhenItsPushBackIsOver() throws Exception {
        EchoInference echo = new EchoInference(0);
        AtomicInteger refusals = new AtomicInteger(5);
        echo.refuses = r -> refusals.getAndDecrement() > 0 ? fail(Kind.RESOURCE_EXHAUSTED, Duration.ofMillis(20)) : Optional.empty();
        JobFixture job = fixture().lines(20);
        job.lanes = List.of(new TestLane("one", echo, 8, true));
        Summary summary = job.run();
        assertEquals(20, summary.answered());
        assertEquals(5, summary.tally().retried());
    }

    @Test
    void whatNoServerCanTakeDoesNotGoRoundForever() throws Exception {
        EchoInference echo = new EchoInference(0);
        echo.refuses = r -> EchoInference.text(r.prompt()).equals("prompt 3") ? fail(Kind.RESOURCE_EXHAUSTED) : Optional.empty();
        JobFixture job = fixture().lines(5);
        job.lanes = List.of(new TestLane("one", echo, 8, true));
        assertEquals(List.of(4, 1), List.of(job.run().answered(), job.errors().size()));
        assertEquals(429, job.errors().getFirst().at("/response/status_code").asInt());
        assertEquals(4 + Verdict.MAX_FAILURES + 1, echo.asked.get());
    }

    @Test
    void theEmptierServerGetsMore() throws Exception {
        EchoInference a = new EchoInference(300);
        EchoInference b = new EchoInference(300);
        TestLane full = new TestLane("full", a, 16, true);
        full.others = 10;
        JobFixture job = fixture().lines(14);
        job.lanes = List.of(full, new TestLane("empty", b, 16, true));
        job.run();
        assertEquals(List.of(2, 12), List.of(a.asked.get(), b.asked.get()));
    }

    @Test
    void aServerThatGoesAwayAndComesBackLosesNoLine() throws Exception {
        EchoInference echo = new EchoInference(1);
        TestLane lane = new TestLane("one", echo, 8, true);
        AtomicInteger down = new AtomicInteger();
        AtomicInteger taken = new AtomicInteger();
        echo.fails = r -> {
            if (taken.incrementAndGet() % 100 != 50) return Optional.empty();
            down.incrementAndGet();
            lane.whenLost = new Lane.State.Down("connection refused");
            Thread.ofVirtual().start(() -> {
                try {
                    Thread.sleep(150);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                lane.whenLost = new Lane.State.Up();
                lane.state = new Lane.State.Up();
            });
            return fail(Kind.UNAVAILABLE);
        };
        JobFixture job = fixture().lines(300);
        job.lanes = List.of(lane);
        Summary summary = job.run();
        assertEquals(List.of(300, 0), List.of(summary.answered(), summary.failed()));
        assertTrue(down.get() >= 3, down + " times");
    }

    @Test
    void withoutAnyServerTheJobEndsAfterItsPatienceAndGoesOnLater() throws Exception {
        EchoInference gone = new EchoInference(0);
        AtomicInteger taken = new AtomicInteger();
        gone.refuses = r -> taken.incrementAndGet() > 30 ? fail(Kind.UNAVAILABLE) : Optional.empty();
        TestLane lane = new TestLane("one:1", gone, 4, true);
        lane.whenLost = new Lane.State.Down("connection refused");
        JobFixture job = fixture().lines(100);
        job.lanes = List.of(lane);
        job.patience = Duration.ofMillis(300);
        Summary summary = job.run();
        Ending.Unfinished end = assertInstanceOf(Ending.Unfinished.class, summary.ending());
        assertEquals("no daemon has answered for 0 s: one:1: connection refused; start one, and the same command goes on", end.sentence());
        assertEquals(30, summary.answered());
        JobFixture later = fixture();
        later.lanes = List.of(new TestLane("one:1", new EchoInference(0), 4, true));
        assertEquals(100, later.run().answered());
    }

    @Test
    void anAnswerOfAnotherModelIsThrownAwayAndItsServerRefused() throws Exception {
        ModelInfo m = EchoInference.MODEL;
        EchoInference other = new EchoInference(new ModelInfo(
                m.name(), m.family(), 1, m.dtype(), m.contextLength(), m.vocabularySize(), m.defaults(), true, "stranger"), 0);
        TestLane stranger = new TestLane("stranger", other, 8, true);
        JobFixture job = fixture().lines(50);
        job.lanes = List.of(stranger, new TestLane("right", new EchoInference(1), 8, true));
        assertEquals(50, job.run().answered());
        assertInstanceOf(Lane.State.Refused.class, stranger.state());
        for (String line : Files.readAllLines(job.output)) assertTrue(line.contains("echo-print"), line);
    }

    @Test
    void aLineThatItsServerDiesOfIsFoundAndAHealthyOneIsNot() throws Exception {
        EchoInference echo = new EchoInference(2);
        Map<String, Integer> deaths = new ConcurrentHashMap<>();
        // The poison takes with it whatever is under way.
        echo.fails = r -> {
            String text = EchoInference.text(r.prompt());
            boolean poison = text.equals("prompt 13");
            if (poison) deaths.merge("all", 1, Integer::sum);
            boolean takenAlong = !poison && deaths.getOrDefault("all", 0) == 1 && deaths.merge(text, 1, Integer::sum) == 1;
            return poison || takenAlong ? fail(Kind.UNAVAILABLE) : Optional.empty();
        };
        JobFixture job = fixture().lines(60);
        job.lanes = List.of(new TestLane("one", echo, 8, true));
        Summary summary = job.run();
        assertEquals(List.of(59, 1), List.of(summary.answered(), summary.failed()));
        assertEquals("id-13", job.errors().getFirst().get("custom_id").asText());
        assertEquals("poison_line", job.errors().getFirst().at("/error/code").asText());
        assertEquals(Verdict.SUSPECT_DEATHS + Verdict.MAX_DEATHS_ALONE, deaths.get("all"));
    }

    @Test
    void anEngineThatBreaksEndsTheRunAndLeavesASuspicion() throws Exception {
        for (int run = 1; run <= Verdict.SUSPECT_DEATHS; run++) {
            EchoInference echo = new EchoInference(2);
            TestLane lane = new TestLane("here", echo, 4, false);
            echo.fails = r -> {
                boolean poison = EchoInference.text(r.prompt()).equals("prompt 5");
                if (poison) lane.broken = Optional.of("the engine is broken");
                return lane.broken.isPresent() ? fail(Kind.INTERNAL) : Optional.empty();
            };
            JobFixture job = fixture().lines(20);
            job.lanes = List.of(lane);
            assertInstanceOf(Ending.Broken.class, job.run().ending(), "run " + run);
        }
        // Without a process for it, it runs alone here: the engine survives, as the failure is the line's own.
        EchoInference echo = new EchoInference(1);
        echo.fails = r -> EchoInference.text(r.prompt()).equals("prompt 5") ? fail(Kind.INTERNAL) : Optional.empty();
        JobFixture job = fixture().lane(echo, 4);
        Summary summary = job.run();
        assertEquals(List.of(19, 1), List.of(summary.answered(), summary.failed()));
    }
}
