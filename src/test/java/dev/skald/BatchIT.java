package dev.skald;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.skald.PackagedBatch.Ended;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
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
    void linesOfAllKindsAreAnswered() throws Exception {
        Path input = batch.write("in.jsonl", List.of(
                "{\"custom_id\":\"chat\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":{\"model\":\"skald-mini\",\"messages\":"
                        + "[{\"role\":\"user\",\"content\":\"111+222=\"}]}}",
                "{\"custom_id\":\"text\",\"method\":\"POST\",\"url\":\"/v1/completions\",\"body\":{\"prompt\":[\"111+222=\",\"中国的首都是\"],\"logprobs\":2,"
                        + "\"return_token_ids\":true}}",
                "{\"custom_id\":\"score\",\"method\":\"POST\",\"url\":\"/v1/score_continuations\",\"body\":{\"prompt\":\"111+222=\",\"continuations\":"
                        + "[\"333\",\"334\"]}}",
                "{\"prompt\":\"1+1=\"}",
                "{\"messages\":[{\"role\":\"user\",\"content\":\"2+2=\"}]}",
                "{\"custom_id\":\"long\",\"prompt\":\"" + "1+1=".repeat(3000) + "\"}"));
        Ended ended = batch.run("-i", input.toString(), "-o", folder.resolve("out.jsonl").toString(), "--max-tokens", "16", "--temperature", "0");
        assertEquals(0, ended.exit(), ended.err());
        assertEquals(List.of("complete", 5, 1), List.of(
                ended.summary().get("status").asText(), ended.summary().get("answered").asInt(), ended.summary().get("failed").asInt()));
        Map<String, JsonNode> answers = answers(folder.resolve("out.jsonl"));
        assertTrue(answers.get("chat").at("/choices/0/message/content").asText().endsWith("333"));
        assertEquals("stop", answers.get("chat").at("/choices/0/finish_reason").asText());
        assertEquals("333", answers.get("text").at("/choices/0/text").asText());
        assertTrue(answers.get("text").at("/choices/1/text").asText().contains("北京"));
        assertEquals(2, answers.get("text").at("/choices/0/logprobs/top_logprobs/0").size());
        assertTrue(answers.get("score").at("/scores/0/probability").asDouble() > 0.99);
        assertEquals("2", answers.get("line-4").at("/choices/0/text").asText());
        assertTrue(answers.get("line-5").at("/choices/0/message/content").asText().endsWith("4"));
        JsonNode error = JSON.readTree(Files.readString(folder.resolve("out.errors.jsonl")));
        assertEquals(List.of("long", 6, "prompt_too_long"), List.of(
                error.get("custom_id").asText(), error.get("line").asInt(), error.at("/error/code").asText()));
    }

    @Test
    void killedAgainAndAgainItHoldsEveryAnswerOnceAndTheSameText() throws Exception {
        new KilledBatch(batch, folder, 120, 48).killAndCompare(5, 1);
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

    @Test
    void aSharedPrefixIsComputedOnce() throws Exception {
        String prefix = "1+1=2 ".repeat(84);
        List<String> shared = new ArrayList<>();
        List<String> salted = new ArrayList<>();
        for (int i = 0; i < 48; i++) {
            ObjectNode line = JSON.createObjectNode();
            line.put("prompt", prefix + i + "+" + i + "=").put("max_tokens", 4);
            shared.add(line.toString());
            salted.add(line.put("cache_salt", "salt " + i).toString());
        }
        JsonNode with = batch.run("-i", batch.write("shared.jsonl", shared).toString(), "-o", folder.resolve("a.jsonl").toString()).summary().get("run");
        JsonNode without = batch.run("-i", batch.write("salted.jsonl", salted).toString(), "-o", folder.resolve("b.jsonl").toString()).summary().get("run");
        int prompts = without.get("prompt_tokens").asInt();
        assertTrue(prompts > 48 * 500, prompts + " tokens");
        assertEquals(0, without.get("cached_tokens").asInt());
        assertEquals(prompts, with.get("prompt_tokens").asInt());
        int computed = prompts - with.get("cached_tokens").asInt();
        System.out.println("shared prefix: computed " + computed + " of " + prompts + " prompt tokens");
        assertTrue(computed * 5 <= prompts, "computed " + computed + " of " + prompts);
        assertEquals(batch.texts(folder.resolve("b.jsonl")), batch.texts(folder.resolve("a.jsonl")));
    }

    @Test
    void aDryRunCountsAndWritesNothing() throws Exception {
        Path input = batch.sums("in.jsonl", 300, 4);
        Files.writeString(input, Files.readString(input) + "broken\n");
        Ended ended = batch.run("-i", input.toString(), "--dry-run");
        assertEquals(0, ended.exit(), ended.err());
        assertEquals(List.of(301, 300, 1), List.of(
                ended.summary().get("lines").asInt(), ended.summary().get("good").asInt(), ended.summary().at("/bad/malformed_json").asInt()));
        assertTrue(ended.summary().get("prompt_tokens").asInt() > 300 && ended.summary().get("estimated_completion_tokens").asInt() > 300);
        try (var files = Files.list(folder)) {
            assertEquals(List.of("in.jsonl"), files.map(f -> f.getFileName().toString()).filter(f -> !f.endsWith(".err")).toList());
        }
    }

    @Test
    void whatIsAskedWronglyEndsWithTwo() throws Exception {
        Path input = batch.sums("in.jsonl", 1, 4);
        String in = input.toString();
        String out = folder.resolve("out.jsonl").toString();
        assertEquals(2, batch.run("-i", in).exit());
        assertEquals(2, batch.run("-i", in, "-o", out, "--shard", "3/2").exit());
        assertEquals(2, batch.run("-i", in, "-o", out, "--temperature", "-1").exit());
        assertEquals(2, batch.run("-i", in, "-o", out, "--mixed-fleet").exit());
        assertEquals(1, batch.run("-i", in + ".missing", "-o", out).exit());
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
