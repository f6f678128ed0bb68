package dev.skald;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.skald.PackagedBatch.Ended;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What takes minutes of `skald batch`: many kills, a stopped process, a million lines. */
@Tag("slow")
@Timeout(value = 3, unit = TimeUnit.HOURS)
class BatchSlowIT {
    private static final long STOPPED_SECONDS = 60;

    @TempDir
    private Path folder;

    private PackagedBatch batch;

    @BeforeEach
    void make() {
        batch = new PackagedBatch(folder);
    }

    @Test
    void killedFiftySixTimesItHoldsEveryAnswerOnceAndTheSameText() throws Exception {
        new KilledBatch(batch, folder, 1000, 48).killAndCompare(56, 7);
    }

    @Test
    void aJobThatStandsStillForAMinuteGoesOn() throws Exception {
        Path input = batch.sums("in.jsonl", 400, 64);
        Path output = folder.resolve("out.jsonl");
        Process job = batch.start("-i", input.toString(), "-o", output.toString());
        batch.awaitLines(job, output, 20);
        standStill(job.pid());
        Ended ended = batch.finish(job);
        assertEquals(0, ended.exit(), ended.err());
        assertEquals(List.of(400, 0), List.of(ended.summary().get("answered").asInt(), ended.summary().get("failed").asInt()));
    }

    @Test
    void aDaemonThatStandsStillForAMinuteLosesNoLine() throws Exception {
        Path input = batch.sums("in.jsonl", 400, 64);
        Path output = folder.resolve("out.jsonl");
        try (PackagedBatch.Daemon daemon = batch.serve(0)) {
            Process job = batch.start("-i", input.toString(), "-o", output.toString(), "--endpoint", daemon.endpoint());
            batch.awaitLines(job, output, 20);
            standStill(daemon.process().pid());
            Ended ended = batch.finish(job);
            assertEquals(0, ended.exit(), ended.err());
            assertEquals(List.of(400, 0), List.of(ended.summary().get("answered").asInt(), ended.summary().get("failed").asInt()));
        }
    }

    private static void standStill(long pid) throws Exception {
        assumeTrue(PackagedBatch.succeeds("kill", "-STOP", Long.toString(pid)), "skipped: there is no kill -STOP here");
        Thread.sleep(STOPPED_SECONDS * 1000);
        assertTrue(PackagedBatch.succeeds("kill", "-CONT", Long.toString(pid)));
    }

    @Test
    void aMillionLinesNeedAHeapOf512MiB() throws Exception {
        Path input = folder.resolve("in.jsonl");
        Random random = new Random(1);
        try (BufferedWriter out = Files.newBufferedWriter(input)) {
            for (int i = 0; i < 1_000_000; i++) {
                out.write("{\"custom_id\":\"request-" + i + "\",\"method\":\"POST\",\"url\":\"/v1/completions\",\"body\":{\"prompt\":\"" + random.nextInt(1000)
                        + "+" + random.nextInt(1000) + "=\",\"max_tokens\":4,\"temperature\":0,\"ignore_eos\":true}}\n");
            }
        }
        Path home = PackagedBatch.SKALD.getParent().getParent();
        Path summary = folder.resolve("summary.json");
        Process job = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "@" + home.resolve("jvm.args"), "-Xmx512m", "-Dskald.home=" + home,
                "-cp", home.resolve("lib/skald.jar").toString(), "dev.skald.Skald", "batch", "-i", input.toString(), "-o",
                folder.resolve("out.jsonl").toString()).redirectOutput(summary.toFile()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        List<String> peak = new ArrayList<>();
        while (job.isAlive()) {
            readPeak(job.pid(), peak);
            Thread.sleep(1000);
        }
        assertEquals(0, job.exitValue());
        JsonNode told = new ObjectMapper().readTree(Files.readString(summary));
        System.out.println("a million lines: " + told.get("run") + ", peak of the process " + peak);
        assertEquals(List.of(1_000_000, 0), List.of(told.get("answered").asInt(), told.get("failed").asInt()));
        assertEquals(1_000_000, PackagedBatch.lines(folder.resolve("out.jsonl")));
    }

    private static void readPeak(long pid, List<String> peak) {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
                if (!line.startsWith("VmHWM:")) continue;
                peak.clear();
                peak.add(line.substring(6).strip());
            }
        } catch (IOException e) {
            // It has ended between two looks, or this is no Linux: then the peak stays unknown.
        }
    }
}
