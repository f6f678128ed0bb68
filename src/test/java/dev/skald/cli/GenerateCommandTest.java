package dev.skald.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.skald.boot.TinyFolder;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** `skald generate` on a tiny random model, as a script calls it. */
class GenerateCommandTest {
    @TempDir
    static Path folder;

    private static Path model;

    @BeforeAll
    static void writeModel() {
        model = TinyFolder.write(folder, "tiny", 1);
    }

    private static Ran generate(Map<String, String> env, String... args) {
        String[] all = Stream.concat(Stream.of("generate", model.toString(), "--kv-cache-memory-bytes", "1MiB", "--max-num-seqs", "4"), Stream.of(args))
                .toArray(String[]::new);
        return Ran.with(env, "", all);
    }

    private static Ran generate(String... args) {
        return generate(Map.of(), args);
    }

    private static JsonNode json(Ran ran) throws IOException {
        assertEquals(0, ran.code(), ran.err());
        return new ObjectMapper().readTree(ran.out());
    }

    private static List<String> keys(JsonNode node) {
        List<String> names = new ArrayList<>();
        for (Iterator<String> it = node.fieldNames(); it.hasNext(); ) names.add(it.next());
        return names;
    }

    @Test
    void theJsonLineHasItsPromisedShape() throws IOException {
        Ran ran = generate("--prompt-ids", "5,6,7", "--max-tokens", "4", "--ignore-eos", "--logprobs", "2", "--prompt-logprobs", "1", "--json");
        assertEquals(1, ran.out().lines().count());
        JsonNode line = json(ran);
        assertEquals(
                List.of("index", "text", "token_ids", "finish_reason", "logprobs", "prompt_logprobs", "usage", "timings"), keys(line));
        assertEquals(0, line.get("index").asInt());
        assertEquals(4, line.get("token_ids").size());
        assertEquals("length", line.get("finish_reason").asText());
        assertEquals(4, line.get("logprobs").size());
        JsonNode first = line.get("logprobs").get(0);
        assertEquals(List.of("id", "logprob", "top"), keys(first));
        assertEquals(line.get("token_ids").get(0), first.get("id"));
        assertEquals(2, first.get("top").size());
        assertEquals(first.get("id"), first.get("top").get(0).get(0), "greedy takes the most likely token");
        assertEquals(first.get("logprob"), first.get("top").get(0).get(1));
        assertEquals(3, line.get("prompt_logprobs").size());
        assertTrue(line.get("prompt_logprobs").get(0).isNull());
        assertEquals(6, line.get("prompt_logprobs").get(1).get("id").asInt());
        assertEquals("{\"prompt_tokens\":3,\"completion_tokens\":4,\"cached_tokens\":0}", line.get("usage").toString());
        assertEquals(List.of("load_s", "queue_s", "prefill_s", "decode_s"), keys(line.get("timings")));
        assertTrue(line.get("timings").get("load_s").asDouble() > 0);
    }

    @Test
    void logprobsThatNobodyAskedForAreNull() throws IOException {
        JsonNode line = json(generate("--prompt-ids", "5", "--max-tokens", "1", "--json"));
        assertTrue(line.get("logprobs").isNull());
        assertTrue(line.get("prompt_logprobs").isNull());
    }

    @Test
    void theTextAloneGoesToStandardOutput() throws IOException {
        String[] flags = {"--prompt", "中国", "--max-tokens", "6", "--ignore-eos"};
        String text = json(generate(Stream.concat(Stream.of(flags), Stream.of("--json")).toArray(String[]::new))).get("text").asText();
        Ran ran = generate(flags);
        assertEquals(text + "\n", ran.out());
        assertEquals(0, ran.code());
        assertTrue(ran.err().contains("device"), "says what it runs on: " + ran.err());
    }

    @Test
    void aPromptFileIsThePromptByteForByte() throws IOException {
        Path file = folder.resolve("prompt.txt");
        Files.writeString(file, "a\n中 \n");
        JsonNode inline = json(generate("--prompt", "a\n中 \n", "--max-tokens", "3", "--json"));
        JsonNode fromFile = json(generate("--prompt-file", file.toString(), "--max-tokens", "3", "--json"));
        assertEquals(inline.get("token_ids"), fromFile.get("token_ids"));
        assertEquals(inline.get("usage"), fromFile.get("usage"));
        Files.write(file, new byte[] {(byte) 0xff, (byte) 0xfe});
        Ran broken = generate("--prompt-file", file.toString());
        assertEquals(1, broken.code());
        assertEquals("skald: can't read " + file + ": it is not UTF-8\n", broken.err());
    }

    @Test
    void severalAnswersAreOneLineEachAndASeedRepeatsThem() throws IOException {
        String[] flags = {"--prompt", "x", "--n", "3", "--temperature", "1", "--seed", "11", "--max-tokens", "5", "--ignore-eos", "--json"};
        Ran first = generate(flags);
        List<String> lines = first.out().lines().toList();
        assertEquals(3, lines.size());
        List<JsonNode> ids = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            JsonNode line = new ObjectMapper().readTree(lines.get(i));
            assertEquals(i, line.get("index").asInt());
            ids.add(line.get("token_ids"));
        }
        assertNotEquals(ids.get(0), ids.get(1));
        Ran second = generate(flags);
        assertEquals(ids.get(2), new ObjectMapper().readTree(second.out().lines().toList().get(2)).get("token_ids"));
    }

    @Test
    void aStopStringEndsTheText() throws IOException {
        String whole = json(generate("--prompt", "x", "--max-tokens", "20", "--ignore-eos", "--json")).get("text").asText();
        String stop = whole.substring(whole.length() / 2, whole.length() / 2 + 2);
        JsonNode line = json(generate("--prompt", "x", "--max-tokens", "20", "--ignore-eos", "--json", "--stop", stop));
        assertEquals("stop", line.get("finish_reason").asText());
        assertEquals(whole.substring(0, whole.indexOf(stop)), line.get("text").asText());
    }

    @Test
    void aFlagOutranksTheEnvironmentWhichOutranksTheConfigFile() throws IOException {
        Path config = folder.resolve("config.json");
        Files.writeString(config, "{\"max-tokens\": 3, \"json\": true, \"ignore-eos\": true, \"stop\": [\"no such text\", \"nor this\"]}");
        Map<String, String> env = Map.of("SKALD__MAX_TOKENS", "2", "SKALD__JSON", "true");
        String file = config.toString();
        assertEquals(3, json(generate("--prompt", "x", "--config", file)).get("token_ids").size());
        assertEquals(2, json(generate(env, "--prompt", "x", "--config", file)).get("token_ids").size());
        assertEquals(1, json(generate(env, "--prompt", "x", "--config", file, "--max-tokens", "1", "--json")).get("token_ids").size());
        Ran text = generate(env, "--prompt", "x", "--config", file, "--json=false");
        assertFalse(text.out().startsWith("{"), text.out());
    }

    private void refused(int code, String sentence, String... args) {
        Ran ran = generate(args);
        assertTrue(ran.err().lines().toList().getLast().contains(sentence), ran.err());
        assertFalse(ran.err().contains("\tat "), "no stack trace for a user's mistake: " + ran.err());
        assertEquals(code, ran.code());
        assertEquals("", ran.out().strip());
    }

    @Test
    void wrongRequestsAreToldInOneSentence() {
        refused(2, "the prompt is empty", "--prompt", "");
        refused(2, "token_ids[1] is 505; the vocabulary has the ids 0 to 504", "--prompt-ids", "1,505");
        refused(2, "the prompt has 300 tokens; with a context of 256 it may have at most 255", "--prompt-ids", "7,".repeat(299) + "7");
        refused(2, "logprobs", "--prompt", "x", "--logprobs", "21");
        refused(2, "n 5 is more than the 4 sequences that run at once", "--prompt", "x", "--n", "5");
        refused(2, "max_tokens 0 leaves nothing to do", "--prompt", "x", "--max-tokens", "0");
    }

    @Test
    void whatCannotBeStartedIsToldInOneSentence() throws IOException {
        refused(2, "--device cuda: ", "--prompt", "x", "--device", "cuda");
        refused(1, "--isa 6502: ", "--prompt", "x", "--kernels", "native", "--isa", "6502");
        refused(1, "--max-model-len 257 is more than the 256 positions", "--prompt", "x", "--max-model-len", "257");
        Ran room = Ran.run("generate", model.toString(), "--prompt", "x", "--kv-cache-memory-bytes", "10");
        assertEquals(1, room.code());
        assertFalse(room.err().contains("\tat "), room.err());
        Ran none = Ran.run("generate", folder.resolve("nothing").toString(), "--prompt", "x");
        assertEquals(1, none.code());
        assertEquals("skald: there is no model " + folder.resolve("nothing") + ": MODEL is a folder in Hugging Face layout, a GGUF file or a packed file\n", none.err());
    }

    @Test
    void aDamagedModelIsToldInOneSentence() throws IOException {
        Path cut = TinyFolder.write(folder, "cut", 1);
        try (RandomAccessFile file = new RandomAccessFile(cut.resolve("model.safetensors").toFile(), "rw")) {
            file.setLength(file.length() - 100);
        }
        Ran truncated = Ran.run("generate", cut.toString(), "--prompt", "x");
        assertEquals(1, truncated.code());
        assertEquals(1, truncated.err().lines().count(), truncated.err());
        assertTrue(truncated.err().contains("model.safetensors"), truncated.err());

        Path hostile = TinyFolder.write(folder, "hostile", 1);
        Path config = hostile.resolve("config.json");
        Files.writeString(config, Files.readString(config).replace("\"hidden_size\": 24", "\"hidden_size\": -24"));
        Ran negative = Ran.run("generate", hostile.toString(), "--prompt", "x");
        assertEquals(1, negative.code());
        assertEquals(1, negative.err().lines().count(), negative.err());

        Path tokenizer = TinyFolder.write(folder, "broken-tokenizer", 1);
        Files.writeString(tokenizer.resolve("tokenizer.json"), "{\"model\": 5}");
        Ran broken = Ran.run("generate", tokenizer.toString(), "--prompt", "x");
        assertEquals(1, broken.code());
        assertEquals(1, broken.err().lines().count(), broken.err());
    }
}
