package dev.skald.batch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.skald.openai.Defaults;
import dev.skald.service.InferenceException.Kind;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a job does with its lines, answered by a model that echoes. */
class BatchJobTest {
    @TempDir
    private Path folder;

    private JobFixture fixture(String name) throws IOException {
        return new JobFixture(Files.createDirectories(folder.resolve(name)));
    }

    private JobFixture fixture() throws IOException {
        return fixture("job");
    }

    @Test
    void everyLineIsAnsweredOnceWithNoMoreUnderWayThanFits() throws Exception {
        EchoInference echo = new EchoInference(1);
        JobFixture job = fixture().lines(500).lane(echo, 20);
        Summary summary = job.run();
        assertInstanceOf(Ending.Complete.class, summary.ending());
        Map<String, String> answers = job.answers();
        assertEquals(500, answers.size());
        for (int i = 1; i <= 500; i++) {
            assertEquals("prompt " + i + " #" + Seeds.of(0, "id-" + i), answers.get("id-" + i));
        }
        assertTrue(echo.most.get() <= 20, echo.most + " were under way");
        assertEquals(List.of(500, 500, 0, 0), List.of(summary.lines(), summary.answered(), summary.failed(), summary.doneBefore()));
        assertEquals(1000, summary.tally().completionTokens());
        JsonNode record = JobFixture.JSON.readTree(Files.readAllLines(job.output).getFirst());
        assertEquals("echo-print", record.at("/response/body/system_fingerprint").asText());
        assertTrue(record.get("error").isNull() && record.get("id").asText().startsWith("batch_req_"));
        assertEquals(List.of(), job.errors());
    }

    @Test
    void plainLinesGetANameAndTheDefaultsOfTheFlags() throws Exception {
        JobFixture job = fixture().lane(new EchoInference(0), 8);
        job.defaults = new Defaults(JobFixture.JSON.createObjectNode().put("n", 2));
        job.seed = 7;
        Files.writeString(job.input, "{\"prompt\":\"a\"}\n\n{\"messages\":[{\"role\":\"user\",\"content\":\"b\"}],\"custom_id\":\"x\"}\r\n{\"prompt\":\"c\",\"n\":1}");
        job.run();
        Map<String, JsonNode> bodies = new java.util.HashMap<>();
        for (String line : Files.readAllLines(job.output)) {
            JsonNode record = JobFixture.JSON.readTree(line);
            bodies.put(record.get("custom_id").asText(), record.at("/response/body"));
        }
        assertEquals(Set.of("line-1", "x", "line-4"), bodies.keySet());
        assertEquals(2, bodies.get("line-1").get("choices").size());
        assertEquals("a #" + Seeds.of(7, "line-1"), bodies.get("line-1").at("/choices/1/text").asText());
        assertEquals("user:b #" + Seeds.of(7, "x"), bodies.get("x").at("/choices/0/message/content").asText());
        assertEquals(1, bodies.get("line-4").get("choices").size());
    }

    @Test
    void badLinesGoToTheErrorFileWithNumberAndReasonAndStopNothing() throws Exception {
        EchoInference echo = new EchoInference(0);
        echo.refuses = r -> EchoInference.text(r.prompt()).equals("long") ? Optional.of(EchoInference.failure(Kind.INVALID_ARGUMENT)) : Optional.empty();
        JobFixture job = fixture().lane(echo, 8);
        Files.write(job.input, List.of(
                JobFixture.line("good", "a"), "{nonsense", JobFixture.line("good", "twin"), "{\"custom_id\":\"u\",\"url\":\"/v1/x\",\"body\":{}}",
                "{\"custom_id\":\"p\",\"prompt\":\"x\",\"temperature\":-1}", "{\"url\":\"/v1/completions\",\"body\":{\"prompt\":\"x\"}}", "{\"neither\":1}",
                JobFixture.line("long", "long"), "{\"custom_id\":\"\\ud800\",\"prompt\":\"x\"}", "{\"custom_id\":\"q\",\"prompt\":\"x\",\"\\ud800\":1}",
                "{\"custom_id\":\"big\",\"prompt\":\"" + "x".repeat(LineReader.MAX_LINE_BYTES) + "\"}", JobFixture.line("last", "b")));
        Summary summary = job.run();
        assertEquals(Set.of("good", "last"), job.answers().keySet());
        assertEquals("a #" + Seeds.of(0, "good"), job.answers().get("good"));
        Map<Integer, String> reasons = new java.util.TreeMap<>();
        for (JsonNode error : job.errors()) reasons.put(error.get("line").asInt(), error.at("/error/code").asText() + " " + error.at("/error/param").asText());
        assertEquals(Map.of(2, "malformed_json null", 3, "duplicate_custom_id custom_id", 4, "unknown_url url", 5, "invalid_parameter temperature",
                6, "invalid_parameter custom_id", 7, "invalid_parameter null", 8, "invalid_argument null", 9, "invalid_parameter custom_id",
                10, "unknown_field ?", 11, "line_too_long null"), reasons);
        assertEquals(10, summary.failed());
    }

    @Test
    void whatIsStoppedGoesOnWhereItWasAndComputesNothingTwice() throws Exception {
        EchoInference echo = new EchoInference(1);
        JobFixture job = fixture().lines(300).lane(echo, 4);
        echo.fails = r -> {
            if (echo.asked.get() > 100) job.stop.request("a test");
            return Optional.empty();
        };
        Summary first = job.run();
        Ending.Unfinished end = assertInstanceOf(Ending.Unfinished.class, first.ending());
        assertTrue(end.sentence().contains("a test") && end.sentence().contains("the same command goes on"), end.sentence());
        assertTrue(first.answered() >= 100 && first.answered() < 300);
        assertEquals(first.answered(), echo.asked.get(), "what was under way was let finish");

        EchoInference again = new EchoInference(0);
        JobFixture resumed = new JobFixture(job.folder).lane(again, 4);
        Summary second = resumed.run();
        assertInstanceOf(Ending.Complete.class, second.ending());
        assertEquals(300, resumed.answers().size());
        assertEquals(300 - first.answered(), again.asked.get());
        assertEquals(first.answered(), second.doneBefore());

        EchoInference never = new EchoInference(0);
        assertEquals(300, new JobFixture(job.folder).lane(never, 4).run().doneBefore());
        assertEquals(0, never.asked.get());
    }

    @Test
    void aChangedInputFlagOrModelIsRefusedUnlessForced() throws Exception {
        JobFixture job = fixture().lines(3).lane(new EchoInference(0), 4);
        job.run();
        JobFixture flag = new JobFixture(job.folder).lane(new EchoInference(0), 4);
        flag.seed = 1;
        assertTrue(refused(flag).contains("--seed was 0 and is now 1"));
        JobFixture model = new JobFixture(job.folder).lane(new EchoInference(0), 4);
        model.facts = new ModelFacts("echo", "other-print", 100, model.facts.defaults(), model.facts.template());
        assertTrue(refused(model).contains("fingerprint echo-print became other-print"));
        JobFixture input = new JobFixture(job.folder).lines(4).lane(new EchoInference(0), 4);
        assertTrue(refused(input).contains("the input changed: 3 lines"));
        input.force = true;
        input.seed = 1;
        assertEquals(4, input.run().answered());
        assertEquals("prompt 4 #" + Seeds.of(1, "id-4"), input.answers().get("id-4"));
        assertEquals("prompt 3 #" + Seeds.of(0, "id-3"), input.answers().get("id-3"), "what was written is kept");
        JobFixture settled = new JobFixture(job.folder).lane(new EchoInference(0), 4);
        settled.seed = 1;
        assertEquals(4, settled.run().doneBefore());
    }

    private static String refused(JobFixture job) {
        BatchException e = assertThrows(BatchException.class, job::run);
        assertEquals(BatchException.Kind.REFUSED, e.kind());
        assertTrue(e.getMessage().contains("--force"), e.getMessage());
        return e.getMessage();
    }

    @Test
    void anOutputThatIsNoJobsIsNotTouched() throws Exception {
        JobFixture job = fixture().lines(3).lane(new EchoInference(0), 4);
        Files.writeString(job.output, "precious\n");
        refused(job);
        assertEquals("precious\n", Files.readString(job.output));
        JobFixture itself = fixture("itself").lines(1).lane(new EchoInference(0), 4);
        Files.copy(itself.input, itself.output);
        BatchPlan plan = itself.plan();
        BatchPlan same = new BatchPlan(Optional.of(itself.output), itself.output, plan.shard(), plan.defaults(), 0, plan.run(), true, false);
        BatchJob onItself = new BatchJob(same, () -> Fleet.of(itself.lanes, itself.facts), Optional.empty(), new Progress(System.err, false), itself.stop, "");
        assertThrows(BatchException.class, () -> onItself.run(java.io.InputStream.nullInputStream()));
        assertEquals(Files.readString(itself.input), Files.readString(itself.output));
    }

    @Test
    void onlyOneWritesAnOutput() throws Exception {
        EchoInference echo = new EchoInference(1);
        JobFixture job = fixture().lines(20).lane(echo, 1);
        JobFixture second = new JobFixture(job.folder).lane(new EchoInference(0), 4);
        List<String> refusals = new CopyOnWriteArrayList<>();
        echo.fails = r -> {
            refusals.add(assertThrows(BatchException.class, second::run).getMessage());
            return Optional.empty();
        };
        assertEquals(20, job.run().answered());
        assertEquals(20, refusals.size());
        assertTrue(refusals.getFirst().contains("is being written by another `skald batch`, process " + ProcessHandle.current().pid()), refusals.getFirst());
    }

    @Test
    void orderedAnswersStandInTheOrderOfTheLinesAlsoAfterAStop() throws Exception {
        EchoInference echo = new EchoInference(0);
        JobFixture job = fixture().lane(echo, 16);
        job.ordered = true;
        job.window = 16;
        List<String> lines = new ArrayList<>();
        for (int i = 1; i <= 400; i++) lines.add(i % 50 == 0 ? "broken" : JobFixture.line("id-" + i, "prompt " + (i * 7919 % 401)));
        Files.write(job.input, lines);
        echo.fails = r -> {
            int hash = Math.floorMod(EchoInference.text(r.prompt()).hashCode() * 31, 5);
            try {
                Thread.sleep(hash);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            if (echo.asked.get() > 150) job.stop.request("a test");
            return Optional.empty();
        };
        assertInstanceOf(Ending.Unfinished.class, job.run().ending());
        JobFixture rest = new JobFixture(job.folder).lane(new EchoInference(1), 16);
        rest.ordered = true;
        rest.window = 16;
        assertInstanceOf(Ending.Complete.class, rest.run().ending());
        List<String> expected = new ArrayList<>();
        for (int i = 1; i <= 400; i++) if (i % 50 != 0) expected.add("id-" + i);
        assertEquals(expected, List.copyOf(rest.answers().keySet()));
    }

    @Test
    void shardsShareTheInputOut() throws Exception {
        fixture().lines(101);
        Set<String> seen = new HashSet<>();
        for (int k = 1; k <= 3; k++) {
            JobFixture job = new JobFixture(folder.resolve("job")).lane(new EchoInference(0), 8);
            job.shard = new Shard(k, 3);
            Path output = job.folder.resolve("out-" + k + ".jsonl");
            BatchPlan p = job.plan();
            BatchPlan plan = new BatchPlan(p.input(), output, p.shard(), p.defaults(), 0, p.run(), false, false);
            Summary summary = new BatchJob(plan, () -> Fleet.of(job.lanes, job.facts), Optional.empty(), new Progress(System.err, false), job.stop, "")
                    .run(java.io.InputStream.nullInputStream());
            assertEquals(summary.lines(), summary.answered());
            for (String id : JobFixture.answers(output).keySet()) assertTrue(seen.add(id), id + " is in two shards");
        }
        assertEquals(101, seen.size());
    }

    @Test
    void aGzippedInputAndStandardInputAreRead() throws Exception {
        JobFixture gz = fixture("gz").lines(50).lane(new EchoInference(0), 8);
        byte[] plain = Files.readAllBytes(gz.input);
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(gz.input))) {
            out.write(plain);
        }
        assertEquals(50, gz.run().answered());

        EchoInference echo = new EchoInference(1);
        JobFixture piped = fixture("piped").lane(echo, 2);
        piped.fromStandard = true;
        piped.standard = new String(plain, java.nio.charset.StandardCharsets.UTF_8);
        echo.fails = r -> {
            if (echo.asked.get() > 10) piped.stop.request("a test");
            return Optional.empty();
        };
        assertInstanceOf(Ending.Unfinished.class, piped.run().ending());
        JobFixture resumed = new JobFixture(piped.folder).lane(new EchoInference(0), 2);
        resumed.fromStandard = true;
        assertEquals(50, resumed.run().answered(), "nothing came: what an earlier run has kept is the input");
        assertTrue(Files.notExists(piped.folder.resolve("out.jsonl.input")));
    }

    @Test
    void errorsAreTriedOnceMoreWhenAskedFor() throws Exception {
        EchoInference echo = new EchoInference(0);
        echo.refuses = r -> EchoInference.text(r.prompt()).equals("prompt 2") ? Optional.of(EchoInference.failure(Kind.UNIMPLEMENTED)) : Optional.empty();
        JobFixture job = fixture().lines(3).lane(echo, 4);
        Files.writeString(job.input, Files.readString(job.input) + "broken\n");
        assertEquals(2, job.run().failed());
        JobFixture again = new JobFixture(job.folder).lane(new EchoInference(0), 4);
        assertEquals(2, again.run().failed());
        JobFixture retried = new JobFixture(job.folder).lane(new EchoInference(0), 4);
        retried.retryErrors = true;
        Summary summary = retried.run();
        assertEquals(List.of(3, 1), List.of(summary.answered(), summary.failed()));
        assertEquals(Set.of("id-1", "id-2", "id-3"), retried.answers().keySet());
        assertEquals(List.of(4), retried.errors().stream().map(e -> e.get("line").asInt()).toList());
    }

    @Test
    void promptsThatBeginAlikeRunTogetherInsideAWindow() throws Exception {
        EchoInference echo = new EchoInference(0);
        List<String> order = new CopyOnWriteArrayList<>();
        echo.refuses = r -> {
            order.add(EchoInference.text(r.prompt()).substring(0, 1));
            return Optional.empty();
        };
        JobFixture job = fixture().lane(echo, 1);
        job.window = 8;
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < 16; i++) lines.add(JobFixture.line("id-" + i, "abcd".charAt(i % 4) + " " + i));
        Files.write(job.input, lines);
        job.run();
        assertEquals("aabbccddaabbccdd", String.join("", order));
    }

    @Test
    void aTimeLimitEndsInOrder() throws Exception {
        JobFixture job = fixture().lines(1000).lane(new EchoInference(20), 2);
        job.timeLimit = Optional.of(Duration.ofMillis(300));
        Ending.Unfinished end = assertInstanceOf(Ending.Unfinished.class, job.run().ending());
        assertTrue(end.sentence().equals("ended by its time limit; the same command goes on"), end.sentence());
        try (RunningTable table = RunningTable.open(job.folder.resolve("out.jsonl.running"), job.output)) {
            assertEquals(Map.of(), table.left().lines(), "nothing is under suspicion");
        }
    }
}
