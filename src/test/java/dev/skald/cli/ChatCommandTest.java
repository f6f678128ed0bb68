package dev.skald.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.skald.boot.TinyFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** `skald chat` without a terminal, and what the terminal's side is made of. */
class ChatCommandTest {
    @TempDir
    static Path folder;

    private static Path model;

    @BeforeAll
    static void writeModel() {
        model = TinyFolder.write(folder, "tiny", 1);
    }

    private static Ran chat(String input, String... flags) {
        return Ran.with(Map.of(), input, Stream.concat(
                        Stream.of("chat", model.toString(), "--kv-cache-memory-bytes", "1MiB", "--max-num-seqs", "4", "--max-tokens", "4", "--ignore-eos"),
                        Stream.of(flags))
                .toArray(String[]::new));
    }

    private static List<JsonNode> json(Ran ran) throws IOException {
        assertEquals(0, ran.code(), ran.err());
        List<JsonNode> lines = new java.util.ArrayList<>();
        for (String line : ran.out().lines().toList()) lines.add(new ObjectMapper().readTree(line));
        return lines;
    }

    private static Path file(String name, String content) throws IOException {
        return Files.writeString(folder.resolve(name), content);
    }

    @Test
    void aConversationInAFileGetsOneAnswer() throws IOException {
        Path messages = file("one.json", "[{\"role\":\"user\",\"content\":\"hi\"}]");
        Ran text = chat("", "--messages", messages.toString());
        JsonNode json = json(chat("", "--messages", messages.toString(), "--json")).getFirst();
        assertEquals(json.get("text").asText() + "\n", text.out());
        assertEquals(4, json.get("token_ids").size());
        Path parts = file("parts.json", "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"h\"},{\"type\":\"text\",\"text\":\"i\"}]}]");
        assertEquals(json.get("token_ids"), json(chat("", "--messages", parts.toString(), "--json")).getFirst().get("token_ids"));
    }

    @Test
    void aSystemMessageComesFirst() throws IOException {
        Path messages = file("user.json", "[{\"role\":\"user\",\"content\":\"hi\"}]");
        Path both = file("both.json", "[{\"role\":\"system\",\"content\":\"be brief\"},{\"role\":\"user\",\"content\":\"hi\"}]");
        JsonNode flag = json(chat("", "--messages", messages.toString(), "--system", "be brief", "--json")).getFirst();
        JsonNode inFile = json(chat("", "--messages", both.toString(), "--json")).getFirst();
        assertEquals(inFile.get("token_ids"), flag.get("token_ids"));
        assertEquals(inFile.get("usage").get("prompt_tokens"), flag.get("usage").get("prompt_tokens"));
    }

    @Test
    void eachLineOfInputIsATurnThatRemembersTheOnesBefore() throws IOException {
        List<JsonNode> turns = json(chat("hi\n\nand\\\nthen?\n", "--json"));
        assertEquals(2, turns.size(), "an empty line is no turn, a backslash joins two lines");
        int first = turns.get(0).get("usage").get("prompt_tokens").asInt();
        int second = turns.get(1).get("usage").get("prompt_tokens").asInt();
        assertTrue(second > first + 4, first + " tokens, then " + second);
        assertTrue(turns.get(1).get("usage").get("cached_tokens").asInt() > 0, "what was said before is not computed again");
        String text = turns.get(0).get("text").asText() + "\n" + turns.get(1).get("text").asText() + "\n";
        assertEquals(text, chat("hi\nand\\\nthen?\n").out());
    }

    @Test
    void aTurnThatFailsIsToldAndForgotten() throws IOException {
        Ran ran = chat("x ".repeat(400) + "\nhi\n", "--json");
        assertEquals(1, ran.code());
        assertTrue(ran.err().contains("with a context of 256 it may have at most 255"), ran.err());
        JsonNode after = new ObjectMapper().readTree(ran.out());
        JsonNode alone = json(chat("hi\n", "--json")).getFirst();
        assertEquals(alone.get("token_ids"), after.get("token_ids"));
    }

    @Test
    void wrongConversationsAreRefusedWithTheirPlace() throws IOException {
        refused("{}", ": expected a list of messages");
        refused("[]", ": expected a list of messages");
        refused("[{\"role\":\"user\"}]", ": message 0 has no \"content\"");
        refused("[{\"content\":\"x\"}]", ": message 0 has no \"role\"");
        refused("[{\"role\":\"user\",\"content\":\"x\",\"colour\":1}]", ": message 0 has an unknown key \"colour\"");
        refused("[{\"role\":\"user\",\"content\":[{\"type\":\"image\"}]}]", ": message 0 has a content part that is no");
        refused("[{\"role\":\n\"user\",}]", ": no JSON: ");
        Ran none = chat("", "--messages", folder.resolve("none.json").toString());
        assertEquals("skald: can't read " + folder.resolve("none.json") + ": there is no such file\n", none.err());
        assertEquals(1, none.code());
    }

    private static void refused(String content, String sentence) throws IOException {
        Path messages = file("wrong.json", content);
        Ran ran = chat("", "--messages", messages.toString());
        assertEquals(2, ran.code());
        assertTrue(ran.err().startsWith("skald chat: " + messages + sentence), ran.err());
    }

    @Test
    void aModelWithoutATemplateCantChat() throws IOException {
        Path plain = TinyFolder.write(folder, "plain", 1);
        Files.writeString(plain.resolve("tokenizer_config.json"), "{}");
        Ran ran = Ran.with(Map.of(), "hi\n", "chat", plain.toString(), "--kv-cache-memory-bytes", "1MiB");
        assertEquals(1, ran.code());
        assertTrue(ran.err().contains("plain has no chat template, so it can't chat"), ran.err());
        Path template = file("own.jinja", "{{ messages[0].content }}");
        Ran brought = Ran.with(Map.of(), "hi\n", "chat", plain.toString(), "--kv-cache-memory-bytes", "1MiB", "--chat-template", template.toString(),
                "--max-tokens", "1");
        assertEquals(0, brought.code(), brought.err());
    }

    @Test
    void aTemplateThatIsNoneIsAStartErrorWithItsPlace() throws IOException {
        Path template = file("broken.jinja", "{% for m in messages %}\n{{ m | nosuchfilter }}{% endfor %}");
        Ran ran = chat("hi\n", "--chat-template", template.toString());
        assertEquals(1, ran.code());
        assertTrue(ran.err().contains("line 2, column "), ran.err());
        assertFalse(ran.err().contains("\tat "), ran.err());
    }

    @Test
    void historyLivesInAStateFolderOrNowhere() throws IOException {
        Path state = Files.createDirectories(folder.resolve("state"));
        Path file = ChatHistory.file(Map.of("XDG_STATE_HOME", state.toString(), "HOME", "/nowhere")).orElseThrow();
        assertEquals(state.resolve("skald").resolve("chat-history"), file);
        assertEquals("rw-------", java.nio.file.attribute.PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        assertEquals(file, ChatHistory.file(Map.of("XDG_STATE_HOME", state.toString())).orElseThrow(), "the second time too");
        Path home = Files.createDirectories(folder.resolve("home"));
        assertTrue(ChatHistory.file(Map.of("HOME", home.toString())).orElseThrow().startsWith(home.resolve(".local/state/skald")));
        assertTrue(ChatHistory.file(Map.of("HOME", "/proc/nowhere")).isEmpty(), "a home that can't be written to is no mistake");
        assertTrue(ChatHistory.file(Map.of()).isEmpty());
    }

    @Test
    void aBackslashAtTheEndGoesOnInTheNextLine() {
        ChatTerminal.ContinuedLines lines = new ChatTerminal.ContinuedLines();
        assertEquals("a\nb\\c", ChatTerminal.ContinuedLines.join("a\\\nb\\c"));
        org.junit.jupiter.api.Assertions.assertThrows(
                org.jline.reader.EOFError.class, () -> lines.parse("a\\", 2, org.jline.reader.Parser.ParseContext.ACCEPT_LINE));
        assertEquals("it's \"ok", lines.parse("it's \"ok", 3, org.jline.reader.Parser.ParseContext.ACCEPT_LINE).line());
    }
}
