package dev.skald.batch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is left when a job dies. */
class CrashTest {
    @TempDir
    private Path folder;

    private static Set<String> lasting(Path output) throws IOException {
        return Files.readAllLines(output).stream().map(JobFixture::lasting).collect(Collectors.toCollection(TreeSet::new));
    }

    private JobFixture uninterrupted(int lines) throws Exception {
        JobFixture whole = new JobFixture(Files.createDirectories(folder.resolve("whole"))).lines(lines).lane(new EchoInference(0), 16);
        assertEquals(lines, whole.run().answered());
        return whole;
    }

    /** Kills a job of {@code lines} so many times, then lets it end. */
    private void killed(int lines, int times, long seed, String... more) throws Exception {
        JobFixture whole = uninterrupted(lines);
        Path output = folder.resolve("out.jsonl");
        Random random = new Random(seed);
        List<String> args = new ArrayList<>(List.of(whole.input.toString(), output.toString(), "20"));
        args.addAll(List.of(more));
        for (int i = 0; i < times; i++) {
            long before = Files.exists(output) ? Files.size(output) : 0;
            Process process = BatchMain.start(args.toArray(String[]::new));
            // While it starts; at its first record; after some more.
            if (i % 3 == 0) Thread.sleep(random.nextInt(600));
            else await(process, output, before + (i % 3 == 1 ? 1 : random.nextInt(1, 6000)));
            process.destroyForcibly().waitFor();
        }
        Process last = BatchMain.start(args.toArray(String[]::new));
        assertTrue(last.waitFor(120, TimeUnit.SECONDS));
        assertEquals(0, last.exitValue(), "seed " + seed);
        assertEquals(lines, Files.readAllLines(output).size(), "seed " + seed);
        assertEquals(lasting(whole.output), lasting(output), "seed " + seed);
        assertEquals("", Files.readString(folder.resolve("out.errors.jsonl")), "no healthy line is in the error file, seed " + seed);
        if (args.contains("ordered")) {
            assertEquals(Files.readAllLines(output).stream().map(CrashTest::number).sorted().toList(),
                    Files.readAllLines(output).stream().map(CrashTest::number).toList(), "seed " + seed);
        }
    }

    private static int number(String record) {
        try {
            return Integer.parseInt(JobFixture.JSON.readTree(record).get("custom_id").asText().substring(3));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void await(Process process, Path output, long bytes) throws Exception {
        while (process.isAlive() && (Files.notExists(output) || Files.size(output) < bytes)) Thread.sleep(1);
    }

    @Test
    void killedAgainAndAgainItHoldsEveryAnswerOnce() throws Exception {
        killed(300, 6, 1);
    }

    @Test
    void andInOrder() throws Exception {
        killed(200, 4, 2, "ordered");
    }

    @Test
    @Tag("slow")
    @Timeout(value = 1, unit = TimeUnit.HOURS)
    void killedSixtyTimes() throws Exception {
        killed(1000, 60, 3);
    }

    /** A kill can't show what a machine that goes down leaves: here the end of the output is lost, a byte more each time. */
    private void cut(int step) throws Exception {
        JobFixture job = uninterrupted(4);
        byte[] output = Files.readAllBytes(job.output);
        Set<String> expected = lasting(job.output);
        List<String> records = Files.readAllLines(job.output);
        int lastTwo = records.get(2).length() + records.get(3).length() + 2;
        for (int lost = 1; lost <= lastTwo; lost += step) {
            Files.write(job.output, java.util.Arrays.copyOf(output, output.length - lost));
            EchoInference echo = new EchoInference(0);
            Summary summary = new JobFixture(job.folder).lane(echo, 4).run();
            assertEquals(4, summary.answered(), lost + " bytes lost");
            assertEquals(lost > records.get(3).length() + 1 ? 2 : 1, echo.asked.get(), lost + " bytes lost");
            assertEquals(expected, lasting(job.output), lost + " bytes lost");
        }
    }

    @Test
    void anOutputCutAnywhereInItsLastTwoRecordsIsRepaired() throws Exception {
        cut(17);
    }

    @Test
    @Tag("slow")
    @Timeout(value = 1, unit = TimeUnit.HOURS)
    void anOutputCutAtEveryByteOfItsLastTwoRecordsIsRepaired() throws Exception {
        cut(1);
    }

    @Test
    void blocksThatNeverReachedTheDiskAreComputedAgain() throws Exception {
        JobFixture job = new JobFixture(folder).lines(50).lane(new EchoInference(0), 1);
        job.run();
        Set<String> expected = lasting(job.output);
        // As a power failure may leave it: a hole of zeros in what was written after the last checkpoint, records behind it.
        Path journal = folder.resolve("out.jsonl.journal");
        List<String> entries = Files.readAllLines(journal);
        Files.write(journal, List.of(entries.get(0), "{\"checkpoint\":{\"output_bytes\":" + firstBytes(job.output, 10) + ",\"error_bytes\":0}}"));
        try (FileChannel file = FileChannel.open(job.output, StandardOpenOption.WRITE)) {
            file.write(java.nio.ByteBuffer.allocate(700), firstBytes(job.output, 20));
        }
        EchoInference echo = new EchoInference(0);
        assertEquals(50, new JobFixture(folder).lane(echo, 4).run().answered());
        assertEquals(30, echo.asked.get());
        assertEquals(expected, lasting(job.output));
    }

    private static long firstBytes(Path file, int lines) throws IOException {
        return Files.readAllLines(file).stream().limit(lines).mapToLong(line -> line.length() + 1).sum();
    }

    @Test
    void aRecordThatIsBrokenBeforeTheCheckpointIsNotGuessedAt() throws Exception {
        JobFixture job = new JobFixture(folder).lines(9).lane(new EchoInference(0), 1);
        job.run();
        List<String> records = new ArrayList<>(Files.readAllLines(job.output));
        records.set(4, "edited");
        Files.write(job.output, records);
        BatchException e = org.junit.jupiter.api.Assertions.assertThrows(
                BatchException.class, () -> new JobFixture(folder).lane(new EchoInference(0), 1).run());
        assertTrue(e.getMessage().contains("line 5 is no record"), e.getMessage());
        assertEquals(records, Files.readAllLines(job.output));
    }

    @Test
    void aPoisonLineEndsTheProcessTwiceThenOnlyItsOwnAndTheJobIsDone() throws Exception {
        Path input = folder.resolve("in.jsonl");
        Path output = folder.resolve("out.jsonl");
        List<String> lines = new ArrayList<>();
        for (int i = 1; i <= 60; i++) lines.add(JobFixture.line("id-" + i, i == 20 || i == 33 ? "POISON " + i : "prompt " + i));
        Files.write(input, lines);
        List<Integer> codes = new ArrayList<>();
        for (int run = 0; run < 8 && (codes.isEmpty() || codes.getLast() != 0); run++) {
            Process process = BatchMain.start(input.toString(), output.toString(), "20");
            assertTrue(process.waitFor(60, TimeUnit.SECONDS));
            codes.add(process.exitValue());
        }
        // Two crashes point at those that were under way; the second poison may have been among them or not.
        assertEquals(0, codes.getLast(), codes.toString());
        assertTrue(codes.size() <= 5, codes.toString());
        assertEquals(58, Files.readAllLines(output).size());
        List<String> errors = Files.readAllLines(folder.resolve("out.errors.jsonl"));
        assertEquals(Set.of("id-20", "id-33"), errors.stream().map(CrashTest::id).collect(Collectors.toSet()), "no healthy line");
        assertEquals(2, errors.size());
        assertTrue(errors.getFirst().contains("ended with code 134 (signal 6)"), errors.getFirst());
    }

    private static String id(String record) {
        try {
            return JobFixture.JSON.readTree(record).get("custom_id").asText();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
