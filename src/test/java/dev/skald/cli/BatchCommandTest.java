package dev.skald.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** `skald batch` with the model that comes along, in this process. */
class BatchCommandTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path folder;

    private Ran batch(String... args) {
        String[] all = new String[args.length + 1];
        all[0] = "batch";
        System.arraycopy(args, 0, all, 1, args.length);
        return Ran.run(all);
    }

    private String write(String name, List<String> lines) throws Exception {
        return Files.write(folder.resolve(name), lines).toString();
    }

    private String file(String name) {
        return folder.resolve(name).toString();
    }

    private Map<String, JsonNode> answers(String name) throws Exception {
        Map<String, JsonNode> answers = new TreeMap<>();
        for (String line : Files.readAllLines(folder.resolve(name))) {
            JsonNode record = JSON.readTree(line);
            assertEquals(200, record.at("/response/status_code").asInt());
            answers.put(record.get("custom_id").asText(), record.at("/response/body"));
        }
        return answers;
    }

    @Test
    void linesOfAllKindsAreAnswered() throws Exception {
        String input = write("in.jsonl", List.of(
                "{\"custom_id\":\"chat\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":{\"model\":\"skald-mini\",\"messages\":"
                        + "[{\"role\":\"user\",\"content\":\"111+222=\"}],\"logprobs\":true,\"top_logprobs\":1}}",
                "{\"custom_id\":\"text\",\"method\":\"POST\",\"url\":\"/v1/completions\",\"body\":{\"prompt\":[\"111+222=\",\"中国的首都是\"],\"logprobs\":2,"
                        + "\"return_token_ids\":true}}",
                "{\"custom_id\":\"score\",\"method\":\"POST\",\"url\":\"/v1/score_continuations\",\"body\":{\"prompt\":\"111+222=\",\"continuations\":"
                        + "[\"333\",\"334\"]}}",
                "{\"prompt\":\"1+1=\"}",
                "{\"messages\":[{\"role\":\"user\",\"content\":\"2+2=\"}]}",
                "{\"custom_id\":\"long\",\"prompt\":\"" + "1+1=".repeat(3000) + "\"}",
                "{\"custom_id\":\"other\",\"prompt\":\"x\",\"model\":\"gpt\"}",
                "{\"custom_id\":\"scored by another\",\"prompt\":\"x\",\"continuations\":[\"y\"],\"model\":\"gpt\"}"));
        Ran ran = batch("-i", input, "-o", file("out.jsonl"), "--max-tokens", "16", "--temperature", "0");
        assertEquals(ExitCode.OK, ran.code(), ran.err());
        JsonNode summary = JSON.readTree(ran.out());
        assertEquals(List.of("complete", 5, 3), List.of(
                summary.get("status").asText(), summary.get("answered").asInt(), summary.get("failed").asInt()));
        Map<String, JsonNode> answers = answers("out.jsonl");
        String sum = answers.get("chat").at("/choices/0/message/content").asText();
        assertTrue(sum.endsWith("333"), sum);
        assertEquals("stop", answers.get("chat").at("/choices/0/finish_reason").asText());
        StringBuilder tokens = new StringBuilder();
        answers.get("chat").at("/choices/0/logprobs/content").forEach(token -> tokens.append(token.get("token").asText()));
        assertTrue(tokens.toString().startsWith(sum), tokens.toString());
        assertEquals("333", answers.get("text").at("/choices/0/text").asText());
        assertTrue(answers.get("text").at("/choices/1/text").asText().contains("北京"));
        assertEquals(2, answers.get("text").at("/choices/0/logprobs/top_logprobs/0").size());
        assertEquals(answers.get("text").at("/usage/completion_tokens").asInt(),
                answers.get("text").at("/choices/0/token_ids").size() + answers.get("text").at("/choices/1/token_ids").size());
        assertTrue(answers.get("score").at("/scores/0/probability").asDouble() > 0.99);
        assertEquals("2", answers.get("line-4").at("/choices/0/text").asText());
        assertTrue(answers.get("line-5").at("/choices/0/message/content").asText().endsWith("4"));
        Map<String, String> errors = new TreeMap<>();
        for (String line : Files.readAllLines(folder.resolve("out.errors.jsonl"))) {
            JsonNode record = JSON.readTree(line);
            errors.put(record.get("custom_id").asText(), record.at("/response/status_code").asInt() + " " + record.at("/error/code").asText());
        }
        assertEquals(Map.of("long", "400 prompt_too_long", "other", "404 model_not_found", "scored by another", "404 model_not_found"), errors);
    }

    @Test
    void theExampleRunsAsItStands() throws Exception {
        Ran ran = batch("-i", "src/docs/examples/batch.jsonl", "-o", file("answers.jsonl"));
        assertEquals(ExitCode.OK, ran.code(), ran.err());
        Map<String, JsonNode> answers = answers("answers.jsonl");
        assertEquals(java.util.Set.of("sum", "capital", "which", "line-4", "plain lines are bodies"), answers.keySet());
        assertEquals("2", answers.get("line-4").at("/choices/0/text").asText());
        assertEquals(5, JSON.readTree(ran.out()).get("answered").asInt());
    }

    @Test
    void aSharedPrefixIsComputedOnce() throws Exception {
        String prefix = "1+1=2 ".repeat(84);
        List<String> shared = new ArrayList<>();
        List<String> salted = new ArrayList<>();
        for (int i = 0; i < 32; i++) {
            ObjectNode line = JSON.createObjectNode();
            line.put("prompt", prefix + i + "+" + i + "=").put("max_tokens", 4);
            shared.add(line.toString());
            salted.add(line.put("cache_salt", "salt " + i).toString());
        }
        JsonNode with = JSON.readTree(batch("-i", write("shared.jsonl", shared), "-o", file("a.jsonl")).out()).get("run");
        // Prompts under different salts never share: as without a prefix cache.
        JsonNode without = JSON.readTree(batch("-i", write("salted.jsonl", salted), "-o", file("b.jsonl")).out()).get("run");
        int prompts = without.get("prompt_tokens").asInt();
        assertTrue(prompts > 32 * 500, prompts + " tokens");
        assertEquals(0, without.get("cached_tokens").asInt());
        assertEquals(prompts, with.get("prompt_tokens").asInt());
        int computed = prompts - with.get("cached_tokens").asInt();
        assertTrue(computed * 5 <= prompts, "computed " + computed + " of " + prompts + " prompt tokens");
        Map<String, JsonNode> a = answers("a.jsonl");
        Map<String, JsonNode> b = answers("b.jsonl");
        a.forEach((id, body) -> assertEquals(b.get(id).at("/choices"), body.at("/choices"), id));
    }

    @Test
    void aDryRunCountsAndWritesNothing() throws Exception {
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < 100; i++) lines.add("{\"prompt\":\"" + i + "+1=\",\"max_tokens\":4}");
        lines.add("{\"messages\":[{\"role\":\"user\",\"content\":\"1+1=\"}],\"max_tokens\":4}");
        lines.add("broken");
        Ran ran = batch("-i", write("in.jsonl", lines), "--dry-run");
        assertEquals(ExitCode.OK, ran.code(), ran.err());
        JsonNode told = JSON.readTree(ran.out());
        assertEquals(List.of(102, 101, 1, 101, true), List.of(
                told.get("lines").asInt(), told.get("good").asInt(), told.at("/bad/malformed_json").asInt(), told.get("sample_lines").asInt(),
                told.get("prompt_tokens_exact").asBoolean()));
        assertTrue(told.get("prompt_tokens").asInt() > 400 && told.get("estimated_completion_tokens").asInt() > 100, told.toString());
        try (var files = Files.list(folder)) {
            assertEquals(List.of("in.jsonl"), files.map(f -> f.getFileName().toString()).toList());
        }
    }

    @Test
    void whatIsAskedWronglyEndsWithTwo() throws Exception {
        String in = write("in.jsonl", List.of("{\"prompt\":\"1+1=\"}"));
        String out = file("out.jsonl");
        for (List<String> wrong : List.of(
                List.of("-i", in), List.of("-o", out), List.of("-i", in, "-o", out, "--shard", "3/2"),
                List.of("-i", in, "-o", out, "--temperature", "-1"), List.of("-i", in, "-o", out, "--mixed-fleet"),
                List.of("-i", in, "-o", out, "--window", "0"), List.of("-i", in, "-o", out, "--in-flight", "0"),
                List.of("-i", in, "-o", out, "--time-limit", "0"), List.of("-i", "-", "--dry-run"),
                List.of("-i", in, "-o", out, "--endpoint", "127.0.0.1:1", "--threads", "1"))) {
            Ran ran = batch(wrong.toArray(String[]::new));
            assertEquals(ExitCode.ASKED_WRONGLY, ran.code(), wrong + ": " + ran.err());
        }
        assertEquals(ExitCode.FAILED, batch("-i", in + ".missing", "-o", out).code());
        assertEquals(ExitCode.FAILED, batch("-i", in, "-o", file("none/out.jsonl")).code());
    }

    @Test
    void withoutADaemonItSaysSoAndCanBeGoneOnWith() throws Exception {
        String in = write("in.jsonl", List.of("{\"prompt\":\"1+1=\"}"));
        Ran ran = batch("-i", in, "-o", file("out.jsonl"), "--endpoint", "127.0.0.1:1");
        assertEquals(ExitCode.UNFINISHED, ran.code(), ran.err());
        assertTrue(ran.err().contains("no daemon answers: 127.0.0.1:1: "), ran.err());
    }
}
