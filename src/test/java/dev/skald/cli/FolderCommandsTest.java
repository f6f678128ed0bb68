package dev.skald.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.skald.boot.TinyFolder;
import dev.skald.boot.TinyGguf;
import dev.skald.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands that read a model folder without running the model: tokenize, template, inspect. */
class FolderCommandsTest {
    @TempDir
    static Path folder;

    private static Path model;

    @BeforeAll
    static void writeModel() {
        model = TinyFolder.write(folder, "tiny", 1);
    }

    private static String ids(String text) {
        return Arrays.stream(Tokenizer.load(model).encode(text, true)).mapToObj(String::valueOf).collect(Collectors.joining(","));
    }

    @Test
    void tokenizePrintsALineForEachText() throws IOException {
        Ran ran = Ran.run("tokenize", "--model", model.toString(), "one", "中国", "<|im_end|>");
        assertEquals(ids("one") + "\n" + ids("中国") + "\n502\n", ran.out());
        assertEquals(0, ran.code());
        assertEquals("", ran.err());
        Ran json = Ran.run("tokenize", "--model", model.resolve("tokenizer.json").toString(), "--json", "--", "-one");
        JsonNode line = new ObjectMapper().readTree(json.out());
        assertEquals("[" + ids("-one") + "]", line.get("ids").toString());
        assertEquals(line.get("ids").size(), line.get("pieces").size());
        assertEquals(List.of("ids", "pieces"), line.properties().stream().map(Map.Entry::getKey).toList());
    }

    @Test
    void tokenizeTakesFilesByteForByteAndStandardInput() throws IOException {
        Path a = Files.writeString(folder.resolve("a.txt"), "one\n");
        Path b = Files.writeString(folder.resolve("b.txt"), "");
        Ran ran = Ran.with(Map.of(), "two\n", "tokenize", "--model", model.toString(),
                "--text-file", a.toString(), "--text-file", "-", "--text-file", b.toString());
        assertEquals(ids("one\n") + "\n" + ids("two\n") + "\n\n", ran.out());
        assertEquals(2, Ran.run("tokenize", "--model", model.toString()).code());
        assertEquals(2, Ran.run("tokenize", "--model", model.toString(), "x", "--text-file", a.toString()).code());
    }

    @Test
    void tokenizeSaysWhyAModelHasNoTokenizer() throws IOException {
        Path none = TinyFolder.write(folder, "no-tokenizer", 1);
        Files.delete(none.resolve("tokenizer.json"));
        Ran ran = Ran.run("tokenize", "--model", none.toString(), "x");
        assertEquals(1, ran.code());
        assertTrue(ran.err().contains("tokenizer.json"), ran.err());
        assertEquals(1, ran.err().lines().count());
    }

    @Test
    void templatePrintsThePromptAndNothingElse() throws IOException {
        Path messages = Files.writeString(folder.resolve("m.json"), "[{\"role\":\"user\",\"content\":\"a <b> 中\"}]");
        Ran ran = Ran.run("template", model.toString(), "--messages", messages.toString());
        assertEquals("<|im_start|>user\na <b> 中<|im_end|>\n<|im_start|>assistant\n", ran.out());
        assertEquals("", ran.err());
        Ran bare = Ran.run("template", model.toString(), "--messages", messages.toString(), "--no-generation-prompt");
        assertEquals("<|im_start|>user\na <b> 中<|im_end|>\n", bare.out());
    }

    @Test
    void templateTakesAFileItsTokensToolsAndMessagesAsTheyAre() throws IOException {
        Path template = Files.writeString(
                folder.resolve("t.jinja"),
                "{{ bos_token }}{{ messages[0].extra }}{{ messages[0].content[0].text }}{{ tools | tojson }}{{ messages[0].gone is none }}{{ eos_token }}");
        Path messages = Files.writeString(
                folder.resolve("extra.json"), "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}],\"extra\":1.5,\"gone\":null}]");
        Path tools = Files.writeString(folder.resolve("tools.json"), "[{\"z\":1,\"a\":[true,null]}]");
        Ran ran = Ran.run("template", "--template", template.toString(), "--messages", messages.toString(), "--tools", tools.toString(),
                "--bos-token", "<s>", "--eos-token", "</s>");
        assertEquals("<s>1.5hi[{\"z\": 1, \"a\": [true, null]}]True</s>", ran.out(), ran.err());
    }

    @Test
    void templateSaysWhatTheTemplateRaises() throws IOException {
        Path template = Files.writeString(folder.resolve("raise.jinja"), "\n{{ raise_exception('roles must alternate') }}");
        Path messages = Files.writeString(folder.resolve("r.json"), "[{\"role\":\"user\",\"content\":\"x\"}]");
        Ran ran = Ran.run("template", "--template", template.toString(), "--messages", messages.toString());
        assertEquals(1, ran.code());
        assertTrue(ran.err().contains("roles must alternate"), ran.err());
        assertFalse(ran.err().contains("\tat "), ran.err());
        assertEquals("", ran.out());
        assertEquals(2, Ran.run("template", model.toString()).code());
        assertEquals(2, Ran.run("template", model.toString(), "--template", template.toString(), "--messages", messages.toString()).code());
        assertEquals(2, Ran.run("template", model.toString(), "--messages", messages.toString(), "--bos-token", "x").code());
    }

    @Test
    void inspectSaysWhatAModelIs() throws IOException {
        JsonNode fields = new ObjectMapper().readTree(Ran.run("inspect", model.toString(), "--json").out());
        assertEquals("llama", fields.get("family").asText());
        assertTrue(fields.get("parameters").asLong() > 10_000);
        assertEquals(TinyFolder.CONTEXT, fields.get("context").asInt());
        assertEquals("f32", fields.get("dtype").asText());
        assertEquals(4 * fields.get("parameters").asLong(), fields.get("bytes").asLong());
        // 2 layers, 2 key/value heads, 6 wide, keys and values, 2 bytes
        assertEquals(2 * 2 * 6 * 2 * 2, fields.get("kv_bytes_per_token").asInt());
        assertTrue(fields.get("chat_template").asBoolean());
        assertTrue(fields.get("servable").isBoolean() && fields.get("servable").asBoolean());
        assertEquals(fields, new ObjectMapper().readTree(Ran.run("inspect", "--json", model.toString()).out()), "a switch takes no word after it");
    }

    private static void edit(Path folder, String old, String replacement) throws IOException {
        Path config = folder.resolve("config.json");
        Files.writeString(config, Files.readString(config).replace(old, replacement));
    }

    @Test
    void aGgufFileIsAModelForAllOfThem() throws IOException {
        Path gguf = TinyGguf.write(folder.resolve("one.gguf"), 1);
        JsonNode fields = new ObjectMapper().readTree(Ran.run("inspect", gguf.toString(), "--json").out());
        assertEquals("GGUF v3", fields.get("format").asText());
        assertEquals("llama", fields.get("family").asText());
        assertTrue(fields.get("servable").isBoolean() && fields.get("chat_template").asBoolean(), fields.toString());
        Path messages = Files.writeString(folder.resolve("gguf.json"), "[{\"role\":\"user\",\"content\":\"hi\"}]");
        assertEquals("<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n", Ran.run("template", gguf.toString(), "--messages", messages.toString()).out());
        // a vocabulary alone is enough to tokenise
        String text = "the daemon answers 42";
        String ids = Ran.run("tokenize", "--model", gguf.toString(), text).out();
        assertEquals(ids, Ran.run("tokenize", "--model", TinyGguf.VOCABULARY.toString(), text).out());
        assertTrue(ids.split(",").length > 3, ids);
        Ran answer = Ran.run("generate", gguf.toString(), "--prompt", text, "--max-tokens", "4", "--ignore-eos");
        assertEquals(0, answer.code(), answer.err());
    }

    @Test
    void aGgufFileThatCantBeUsedIsToldInOneSentence() throws IOException {
        Path bad = Files.write(folder.resolve("bad.gguf"), new byte[] {'G', 'G', 'U', 'F', 9, 0, 0, 0});
        for (String[] line : new String[][] {{"generate", bad.toString(), "--prompt", "x"}, {"tokenize", "--model", bad.toString(), "x"}}) {
            Ran ran = Ran.run(line);
            assertEquals(1, ran.code());
            assertEquals("skald: " + bad + " is of GGUF version 9; versions 2 and 3 can be read\n", ran.err());
        }
        Path inside = Files.createDirectory(folder.resolve("with-gguf"));
        Files.copy(bad, inside.resolve("x.gguf"));
        assertTrue(Ran.run("inspect", inside.toString()).err().contains("did you mean " + inside.resolve("x.gguf") + "?"));
        Path none = Files.writeString(folder.resolve("weights.bin"), "x");
        assertTrue(Ran.run("inspect", none.toString()).err().contains("is neither a folder nor a .gguf or .skald file"));
    }

    @Test
    void inspectSaysWhyAModelCantBeServed() throws IOException {
        Path other = TinyFolder.write(folder, "other", 1);
        edit(other, "LlamaForCausalLM", "GPT2LMHeadModel");
        edit(other, "\"llama\"", "\"gpt2\"");
        Ran family = Ran.run("inspect", other.toString(), "--json");
        assertEquals(0, family.code());
        String why = new ObjectMapper().readTree(family.out()).get("servable").asText();
        assertTrue(why.contains("GPT2LMHeadModel") || why.contains("gpt2"), why);

        Path wrong = TinyFolder.write(folder, "wrong-shape", 1);
        edit(wrong, "\"hidden_size\": 24", "\"hidden_size\": 32");
        String shape = new ObjectMapper().readTree(Ran.run("inspect", wrong.toString(), "--json").out()).get("servable").asText();
        assertTrue(shape.contains("model.embed_tokens.weight"), shape);

        Path template = TinyFolder.write(folder, "bad-template", 1);
        Files.writeString(template.resolve("chat_template.jinja"), "{% nonsense %}");
        String tag = new ObjectMapper().readTree(Ran.run("inspect", template.toString(), "--json").out()).get("servable").asText();
        assertTrue(tag.contains("chat_template.jinja"), tag);
    }
}
