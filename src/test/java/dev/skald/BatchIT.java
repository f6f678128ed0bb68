package dev.skald;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.skald.PackagedBatch.Ended;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** `skald batch` of the packaged distribution, with the model that comes along, as a user starts it. */
class BatchIT {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path folder;

    private PackagedBatch batch;

    @BeforeEach
    void make() {
        batch = new PackagedBatch(folder);
    }

    @Test
    void killedAgainAndAgainItHoldsEveryAnswerOnceAndTheSameText() throws Exception {
        new KilledBatch(batch, folder, 100, 32).killAndCompare(5, 1);
    }

    @Test
    void daemonsGiveTheSameAnswersAndOneMayDieAndComeBack() throws Exception {
        Path input = batch.sums("in.jsonl", 160, 48);
        Ended embedded = batch.run("-i", input.toString(), "-o", folder.resolve("embedded.jsonl").toString());
        assertEquals(0, embedded.exit(), embedded.err());
        Path output = folder.resolve("remote.jsonl");
        try (PackagedBatch.Daemon steady = batch.serve(0); PackagedBatch.Daemon dying = batch.serve(0)) {
            String endpoints = steady.endpoint() + "," + dying.endpoint();
            Process job = batch.start("-i", input.toString(), "-o", output.toString(), "--endpoint", endpoints, "--in-flight", "16");
            batch.awaitLines(job, output, 20);
            dying.kill();
            batch.awaitLines(job, output, 40);
            try (PackagedBatch.Daemon back = batch.serve(dying.port())) {
                assertEquals(dying.port(), back.port());
                Ended ended = batch.finish(job);
                assertEquals(0, ended.exit(), ended.err());
                assertEquals(0, ended.summary().get("failed").asInt());
            }
        }
        assertEquals(batch.lasting(folder.resolve("embedded.jsonl")), batch.lasting(output));
    }

    @Test
    @Tag("slow")
    void theOnlyDaemonMayDieAndComeBackOrStayAway() throws Exception {
        Path input = batch.sums("in.jsonl", 150, 64);
        Path output = folder.resolve("out.jsonl");
        String[] command;
        try (PackagedBatch.Daemon first = batch.serve(0)) {
            command = new String[] {"-i", input.toString(), "-o", output.toString(), "--endpoint", first.endpoint(), "--patience", "2"};
            Process job = batch.start(command);
            batch.awaitLines(job, output, 20);
            first.kill();
            Ended ended = batch.finish(job);
            assertEquals(6, ended.exit(), ended.err());
            assertTrue(ended.err().contains("the same command goes on"), ended.err());
            try (PackagedBatch.Daemon second = batch.serve(first.port())) {
                command[7] = "60";
                job = batch.start(command);
                batch.awaitLines(job, output, 60);
                second.kill();
                try (PackagedBatch.Daemon third = batch.serve(first.port())) {
                    assertEquals(first.port(), third.port());
                    ended = batch.finish(job);
                    assertEquals(0, ended.exit(), ended.err());
                }
            }
        }
        assertEquals(150, Files.readAllLines(output).size());
        assertEquals("", Files.readString(folder.resolve("out.errors.jsonl")));
    }

    @Test
    void aFullDiskEndsInOrderAndWithRoomItGoesOn() throws Exception {
        Path disk = Files.createDirectories(folder.resolve("disk"));
        assumeTrue(PackagedBatch.succeeds("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk.toString()), "skipped: mounting a small disk needs root");
        try {
            Path input = batch.sums("in.jsonl", 1000, 4);
            String[] command = {"-i", input.toString(), "-o", disk.resolve("out.jsonl").toString()};
            Ended full = batch.run(command);
            assertEquals(6, full.exit(), full.err());
            assertTrue(full.err().contains("No space left on device; make room, then run the same command again"), full.err());
            assertEquals("unfinished", full.summary().get("status").asText());
            int written = Files.readAllLines(disk.resolve("out.jsonl")).size();
            assertTrue(written > 50 && written < 1000, written + " lines");
            assertTrue(PackagedBatch.succeeds("mount", "-o", "remount,size=16m", disk.toString()));
            Ended ended = batch.run(command);
            assertEquals(0, ended.exit(), ended.err());
            assertEquals(1000, ended.summary().get("answered").asInt());
            assertTrue(ended.summary().at("/run/done_before").asInt() >= written - 1, ended.summary().toString());
            assertEquals("", Files.readString(disk.resolve("out.errors.jsonl")));
            assertEquals(1000, answers(disk.resolve("out.jsonl")).size());
        } finally {
            PackagedBatch.succeeds("umount", disk.toString());
        }
    }

    @Test
    void sigtermEndsInOrder() throws Exception {
        Path input = batch.sums("in.jsonl", 2000, 64);
        Path output = folder.resolve("out.jsonl");
        Process job = batch.start("-i", input.toString(), "-o", output.toString());
        batch.awaitLines(job, output, 10);
        job.toHandle().destroy();
        Ended ended = batch.finish(job);
        assertEquals(6, ended.exit(), ended.err());
        assertTrue(ended.err().contains("ended by SIGTERM; the same command goes on"), ended.err());
        assertEquals(ended.summary().get("answered").asInt(), Files.readAllLines(output).size());
    }

    private static Map<String, JsonNode> answers(Path output) throws Exception {
        Map<String, JsonNode> answers = new TreeMap<>();
        for (String line : Files.readAllLines(output)) {
            JsonNode record = JSON.readTree(line);
            assertEquals(200, record.at("/response/status_code").asInt());
            answers.put(record.get("custom_id").asText(), record.at("/response/body"));
        }
        return answers;
    }
}
