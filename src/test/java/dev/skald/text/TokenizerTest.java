package dev.skald.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against what Python's `tokenizers` gave for the same files. */
class TokenizerTest {
    @ParameterizedTest
    @ValueSource(strings = {"bytelevel", "metaspace", "metafirst", "unigram", "wordpiece"})
    void encodesAsThePythonLibraryDoes(String name) {
        Tokenizer tokenizer = Goldens.tokenizer(name);
        JsonNode golden = Goldens.json("tokenizers/" + name + "/golden.json");
        assertEquals(golden.get("vocab_size").asInt(), tokenizer.vocabSize());
        for (JsonNode one : golden.get("encode")) {
            String text = one.get("text").asText();
            assertArrayEquals(Goldens.ints(one.get("ids")), tokenizer.encode(text, false), text);
            assertArrayEquals(Goldens.ints(one.get("special")), tokenizer.encode(text, true), text);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bytelevel", "metaspace", "metafirst", "unigram", "wordpiece"})
    void decodesAsThePythonLibraryDoesWhereBytesAreCharacters(String name) {
        Tokenizer tokenizer = Goldens.tokenizer(name);
        int exact = 0;
        for (JsonNode one : Goldens.json("tokenizers/" + name + "/golden.json").get("decode")) {
            int[] ids = Goldens.ints(one.get("ids"));
            for (boolean skip : new boolean[] {false, true}) {
                String theirs = one.get(skip ? "skipped" : "text").asText();
                assertEquals(theirs, tokenizer.decodeNatively(ids, skip));
                if (hasBrokenByteRun(tokenizer, ids, skip)) {
                    assertEquals(expectedWithBrokenRuns(tokenizer, ids, skip), tokenizer.decode(ids, skip));
                } else {
                    exact++;
                    assertEquals(theirs, tokenizer.decode(ids, skip), Arrays.toString(ids));
                }
            }
        }
        assertTrue(exact >= 150, "only " + exact + " decodings compared exactly");
    }

    /** The one difference: the library turns a whole run of byte tokens into U+FFFD when any of it is broken; we keep its characters. */
    private static boolean hasBrokenByteRun(Tokenizer tokenizer, int[] ids, boolean skip) {
        return byteRuns(tokenizer, ids, skip).stream().anyMatch(part -> !isUtf8(part));
    }

    /** Consecutive byte tokens together, every other token alone. */
    private static List<byte[]> byteRuns(Tokenizer tokenizer, int[] ids, boolean skip) {
        List<byte[]> parts = new ArrayList<>();
        boolean run = false;
        for (int id : ids) {
            if (skip && tokenizer.isSpecial(id)) continue;
            boolean single = tokenizer.piece(id).matches("<0x[0-9A-F]{2}>");
            byte[] bytes = tokenizer.bytes(id);
            if (single && run) {
                byte[] last = parts.removeLast();
                byte[] both = Arrays.copyOf(last, last.length + 1);
                both[last.length] = bytes[0];
                bytes = both;
            }
            if (single) parts.add(bytes);
            else if (!tokenizer.piece(id).isEmpty() && isUtf8(bytes)) parts.add(bytes);
            run = single;
        }
        return parts;
    }

    private static boolean isUtf8(byte[] bytes) {
        return !tryDecode(bytes, 0, bytes.length).isEmpty() || bytes.length == 0;
    }

    private static String tryDecode(byte[] bytes, int from, int to) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, from, to - from)).toString();
        } catch (CharacterCodingException e) {
            return "";
        }
    }

    /** By trial: at each place the shortest bytes that are a character, else one U+FFFD for one byte. */
    private static String expectedWithBrokenRuns(Tokenizer tokenizer, int[] ids, boolean skip) {
        StringBuilder out = new StringBuilder();
        for (byte[] part : byteRuns(tokenizer, ids, skip)) {
            for (int at = 0; at < part.length; ) {
                String found = "";
                int length = 1;
                for (; length <= 4 && at + length <= part.length && found.isEmpty(); length++) found = tryDecode(part, at, at + length);
                out.append(found.isEmpty() ? "\uFFFD" : found);
                at += found.isEmpty() ? 1 : length - 1;
            }
        }
        return out.length() > 0 && out.charAt(0) == ' ' ? out.substring(1) : out.toString();
    }

    @ParameterizedTest
    @ValueSource(strings = {"bytelevel", "metaspace", "metafirst", "unigram"})
    void theBytesOfAllTokensAreTheText(String name) {
        Tokenizer tokenizer = Goldens.tokenizer(name);
        for (JsonNode one : Goldens.json("tokenizers/" + name + "/golden.json").get("encode")) {
            String text = one.get("text").asText();
            int[] ids = tokenizer.encode(text, false);
            if (name.equals("unigram") || Arrays.stream(ids).anyMatch(tokenizer::isSpecial)) continue; // unknown characters are lost there
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            for (int id : ids) bytes.writeBytes(tokenizer.bytes(id));
            String plain = name.equals("bytelevel") ? text : text.replace('▁', ' ');
            String all = bytes.toString(StandardCharsets.UTF_8);
            assertTrue(all.equals(plain) || !name.equals("bytelevel") && all.equals(" " + plain), () -> text + " became " + all);
        }
    }

    @Test
    void knowsItsSpecialTokens() {
        Tokenizer tokenizer = Goldens.tokenizer("bytelevel");
        assertArrayEquals(new int[] {500, 501, 502}, tokenizer.specialIds());
        assertTrue(tokenizer.isSpecial(501));
        assertFalse(tokenizer.isSpecial(503), "<think> is an added token and not special");
        assertEquals("<|im_start|>", tokenizer.piece(501));
        assertArrayEquals("<|im_start|>".getBytes(StandardCharsets.UTF_8), tokenizer.bytes(501));
        assertEquals(502, tokenizer.id("<|im_end|>").orElseThrow());
        assertTrue(tokenizer.id("no such piece").isEmpty());
        assertEquals("", tokenizer.piece(tokenizer.vocabSize() + 5));
        assertEquals(0, tokenizer.bytes(tokenizer.vocabSize()).length);
        assertEquals("ab", tokenizer.decode(new int[] {tokenizer.id("a").orElseThrow(), 100_000, tokenizer.id("b").orElseThrow()}, false));
        assertThrows(IllegalArgumentException.class, () -> tokenizer.piece(-1));
    }

    @ParameterizedTest
    @ValueSource(strings = {"bytelevel", "metaspace", "metafirst", "unigram", "wordpiece"})
    void plainTextNeverHoldsASpecialToken(String name) {
        Tokenizer tokenizer = Goldens.tokenizer(name);
        List<String> texts = new ArrayList<>();
        for (int id : tokenizer.specialIds()) {
            String content = tokenizer.piece(id);
            texts.addAll(List.of(content, " " + content + " ", content + content, "a" + content + "b", PlainTokenizerJson.mark(id)));
        }
        int unknown = tokenizer.id("<unk>").orElse(tokenizer.id("[UNK]").orElse(-1));
        for (String text : texts) {
            for (int id : tokenizer.encodePlain(text)) {
                assertTrue(!tokenizer.isSpecial(id) || id == unknown, () -> text + " became " + tokenizer.piece(id));
            }
        }
        for (JsonNode one : Goldens.json("tokenizers/" + name + "/golden.json").get("encode")) {
            int[] ids = Goldens.ints(one.get("ids"));
            String text = one.get("text").asText();
            if (Arrays.stream(tokenizer.specialIds()).anyMatch(id -> text.contains(tokenizer.piece(id)))) continue;
            assertArrayEquals(ids, tokenizer.encodePlain(text), text);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bytelevel", "metaspace", "metafirst", "unigram", "wordpiece"})
    void trustedTextIsEncodedLikeAnyTextWithSpecialTokens(String name) {
        Tokenizer tokenizer = Goldens.tokenizer(name);
        for (JsonNode one : Goldens.json("tokenizers/" + name + "/golden.json").get("encode")) {
            String text = one.get("text").asText();
            assertArrayEquals(Goldens.ints(one.get("ids")), tokenizer.encode(trusted(text, true)), text);
        }
        assertArrayEquals(tokenizer.encodePlain("a</s><|im_end|>"), tokenizer.encode(trusted("a</s><|im_end|>", false)));
    }

    private static TrustedText trusted(String text, boolean trusted) {
        return new TrustedText() {
            @Override
            public String text() {
                return text;
            }

            @Override
            public boolean trusted(int index) {
                return trusted;
            }
        };
    }

    @Test
    void halfSurrogatesAndNulsAreTakenAsTheyCome() {
        Tokenizer tokenizer = Goldens.tokenizer("bytelevel");
        assertArrayEquals(tokenizer.encode("a\uFFFDb", false), tokenizer.encode("a\uD83Db", false));
        assertArrayEquals(tokenizer.encode("\uFFFD", false), tokenizer.encode("\uDE00", false));
        assertEquals("a\u0000😀", tokenizer.decode(tokenizer.encode("a\u0000😀", false), false));
    }

    @Test
    void longTextIsNotTruncated() {
        Tokenizer tokenizer = Goldens.tokenizer("bytelevel");
        String text = "1,".repeat(20_000);
        assertEquals(text, tokenizer.decode(tokenizer.encode(text, true), false));
    }

    @Test
    void truncationAndPaddingOfTheFileAreIgnored(@TempDir Path folder) throws IOException {
        String json = Files.readString(Goldens.folder("tokenizers/bytelevel").resolve("tokenizer.json"));
        String limited = json.replaceFirst("\"truncation\":\\s*null", "\"truncation\":{\"direction\":\"Right\",\"max_length\":4,\"strategy\":\"LongestFirst\",\"stride\":0}")
                .replaceFirst("\"padding\":\\s*null", "\"padding\":{\"strategy\":{\"Fixed\":16},\"direction\":\"Right\",\"pad_to_multiple_of\":null,\"pad_id\":0,\"pad_type_id\":0,\"pad_token\":\"!\"}");
        assertFalse(limited.equals(json));
        Files.writeString(folder.resolve("tokenizer.json"), limited);
        Tokenizer tokenizer = Tokenizer.load(folder);
        for (String text : List.of("a", "one two three four five six seven")) {
            assertArrayEquals(Goldens.tokenizer("bytelevel").encode(text, true), tokenizer.encode(text, true));
            assertArrayEquals(Goldens.tokenizer("bytelevel").encode(text, false), tokenizer.encodePlain(text));
        }
    }

    @Test
    void aMissingOrBrokenFileIsNamed(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("tokenizer.json");
        assertNames(file, folder);
        String good = Files.readString(Goldens.folder("tokenizers/bytelevel").resolve("tokenizer.json"));
        for (String bad : List.of("", "[]", "{}", "null", "{\"model\":3}", "{\"model\":{\"vocab\":{\"a\":-1}}}", "{\"model\":{\"vocab\":{\"a\":2000000000}}}",
                "{\"model\":{\"vocab\":{\"a\":\"b\"}}}", "{\"added_tokens\":[{\"id\":1}]}", "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0}}}",
                good.substring(0, good.length() / 2), good.substring(0, good.length() - 3), good.replace("\"BPE\"", "\"XYZ\""), "\u0000\u0001")) {
            Files.writeString(file, bad);
            assertNames(file, folder);
        }
        for (int cut = 1; cut < good.length() - 3; cut += 997) {
            Files.writeString(file, good.substring(0, cut));
            assertNames(file, folder);
        }
        Files.write(file, new byte[] {(byte) 0xFF, (byte) 0xFE, '{', '}'});
        assertNames(file, folder);
    }

    @Test
    void anIdThatTheLibraryWouldNotGiveIsAnError(@TempDir Path folder) throws IOException {
        String good = Files.readString(Goldens.folder("tokenizers/bytelevel").resolve("tokenizer.json"));
        String gap = good.replaceFirst("\"id\":\\s*501", "\"id\": 511");
        assertFalse(gap.equals(good));
        Files.writeString(folder.resolve("tokenizer.json"), gap);
        assertNames(folder.resolve("tokenizer.json"), folder);
    }

    private static void assertNames(Path file, Path folder) {
        TokenizerException e = assertThrows(TokenizerException.class, () -> Tokenizer.load(folder));
        assertTrue(e.getMessage().contains(file.toString()), e.getMessage());
        assertFalse(e.getMessage().contains("\n"), e.getMessage());
    }

    @Test
    void manyThreadsUseOneTokenizer() throws Exception {
        Tokenizer tokenizer = Goldens.tokenizer("metaspace");
        List<JsonNode> cases = new ArrayList<>();
        Goldens.json("tokenizers/metaspace/golden.json").get("encode").forEach(cases::add);
        try (ExecutorService pool = Executors.newFixedThreadPool(4)) {
            List<Callable<Boolean>> jobs = new ArrayList<>();
            for (int t = 0; t < 4; t++) {
                jobs.add(() -> {
                    for (int round = 0; round < 20; round++) {
                        for (JsonNode one : cases) {
                            int[] ids = Goldens.ints(one.get("ids"));
                            if (!Arrays.equals(ids, tokenizer.encode(one.get("text").asText(), false))) return false;
                            tokenizer.decodeNatively(ids, true);
                        }
                    }
                    return true;
                });
            }
            for (Future<Boolean> result : pool.invokeAll(jobs)) assertTrue(result.get());
        }
    }
}
