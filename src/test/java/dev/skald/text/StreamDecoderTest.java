package dev.skald.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StreamDecoderTest {
    private static final long SEED = 4711;

    @ParameterizedTest
    @ValueSource(strings = {"bytelevel", "metaspace", "metafirst", "unigram", "wordpiece"})
    void allDeltasTogetherAreTheDecodedText(String name) {
        Tokenizer tokenizer = Goldens.tokenizer(name);
        Random random = new Random(SEED);
        for (int round = 0; round < 1500; round++) {
            int[] ids = new int[random.nextInt(60)];
            // mostly byte tokens in every other round: broken and unbroken UTF-8
            int range = round % 2 == 0 ? tokenizer.vocabSize() + 2 : Math.min(260, tokenizer.vocabSize());
            for (int i = 0; i < ids.length; i++) ids[i] = random.nextInt(range);
            boolean skip = random.nextBoolean();
            String hint = "seed " + SEED + ", round " + round;
            Collected all = collect(tokenizer.stream(skip, false), ids, hint);
            assertEquals(tokenizer.decode(ids, skip), all.text.toString(), hint);
            assertArrayEquals(ids, all.ids.stream().mapToInt(i -> i).toArray(), hint);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bytelevel", "unigram", "wordpiece"})
    void whereTheLibraryHasOneRuleTheStreamFollowsIt(String name) {
        Tokenizer tokenizer = Goldens.tokenizer(name);
        Random random = new Random(SEED);
        for (int round = 0; round < 500; round++) {
            int[] ids = random.ints(random.nextInt(60), 0, tokenizer.vocabSize()).toArray();
            assertEquals(tokenizer.decodeNatively(ids, true), collect(tokenizer.stream(true, false), ids, "round " + round).text.toString(),
                    "seed " + SEED + ", round " + round);
        }
    }

    private static final class Collected {
        final StringBuilder text = new StringBuilder();
        final List<Integer> ids = new ArrayList<>();
    }

    private static Collected collect(StreamDecoder decoder, int[] ids, String hint) {
        Collected all = new Collected();
        for (int id : ids) {
            Optional<TextDelta> delta = decoder.push(id);
            delta.ifPresent(d -> add(all, d, hint));

        }
        decoder.finish().ifPresent(d -> add(all, d, hint));
        return all;
    }

    private static void add(Collected all, TextDelta delta, String hint) {
        int before = 0;
        for (int end : delta.textEnds()) {
            assertTrue(end >= before && end <= delta.text().length(), hint);
            before = end;
        }
        if (delta.ids().length > 0) assertEquals(delta.text().length(), before, hint);
        assertTrue(isWhole(delta.text()), hint);
        assertTrue(delta.ids().length <= StreamDecoder.MAX_HELD, hint);
        all.text.append(delta.text());
        for (int id : delta.ids()) all.ids.add(id);
    }

    private static boolean isWhole(String text) {
        return text.equals(new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8));
    }

    @Test
    void aCharacterOfThreeTokensComesWithTheLast() {
        Tokenizer tokenizer = Goldens.tokenizer("metaspace");
        StreamDecoder decoder = tokenizer.stream(true, true);
        int[] bytes = {byteToken(tokenizer, 0xE8), byteToken(tokenizer, 0xA9), byteToken(tokenizer, 0xA9)};
        assertTrue(decoder.push(bytes[0]).isEmpty());
        assertTrue(decoder.push(bytes[1]).isEmpty());
        TextDelta delta = decoder.push(bytes[2]).orElseThrow();
        assertEquals("詩", delta.text());
        assertArrayEquals(bytes, delta.ids());
        assertArrayEquals(new int[] {0, 0, 1}, delta.textEnds());
        assertTrue(decoder.finish().isEmpty());
    }

    @Test
    void aHalfCharacterAtTheEndIsReplaced() {
        Tokenizer tokenizer = Goldens.tokenizer("metaspace");
        StreamDecoder decoder = tokenizer.stream(true, true);
        assertTrue(decoder.push(byteToken(tokenizer, 0xE8)).isEmpty());
        assertTrue(decoder.push(byteToken(tokenizer, 0xA9)).isEmpty());
        TextDelta last = decoder.finish().orElseThrow();
        assertEquals("\uFFFD\uFFFD", last.text());
        assertEquals(2, last.ids().length);
    }

    @Test
    void aBrokenCharacterGivesWayToTheNext() {
        Tokenizer tokenizer = Goldens.tokenizer("metaspace");
        StreamDecoder decoder = tokenizer.stream(true, true);
        assertTrue(decoder.push(byteToken(tokenizer, 0xE8)).isEmpty());
        TextDelta delta = decoder.push(tokenizer.id("e").orElseThrow()).orElseThrow();
        assertEquals("\uFFFDe", delta.text());
    }

    @Test
    void theSpaceBeforeATextIsNotPartOfItUnlessItContinuesOne() {
        for (String name : List.of("metaspace", "metafirst", "unigram")) {
            Tokenizer tokenizer = Goldens.tokenizer(name);
            int[] ids = tokenizer.encode("the sea", false);
            assertEquals("the sea", collect(tokenizer.stream(true, false), ids, name).text.toString());
            assertEquals(" the sea", collect(tokenizer.stream(true, true), ids, name).text.toString());
        }
    }

    @Test
    void specialTokensAreShownOrSkipped() {
        Tokenizer tokenizer = Goldens.tokenizer("bytelevel");
        int[] ids = tokenizer.encode("<|im_start|>a<|im_end|>", false);
        assertEquals("a", collect(tokenizer.stream(true, true), ids, "").text.toString());
        assertEquals("<|im_start|>a<|im_end|>", collect(tokenizer.stream(false, true), ids, "").text.toString());
        TextDelta first = tokenizer.stream(true, true).push(ids[0]).orElseThrow();
        assertEquals("", first.text());
        assertArrayEquals(new int[] {ids[0]}, first.ids());
    }

    @Test
    void endlessHalfCharactersAreHandedOutAllTheSame() {
        Tokenizer tokenizer = Goldens.tokenizer("bytelevel");
        StreamDecoder decoder = tokenizer.stream(true, true);
        int half = -1;
        for (int id = 0; id < tokenizer.vocabSize(); id++) {
            byte[] bytes = tokenizer.bytes(id);
            if (bytes.length == 1 && (bytes[0] & 0xFF) == 0xE8) half = id;
        }
        int out = 0;
        for (int i = 0; i < 1000; i++) {
            Optional<TextDelta> delta = decoder.push(half);
            out += delta.map(d -> d.ids().length).orElse(0);
            assertTrue(i + 1 - out < StreamDecoder.MAX_HELD);
        }
        decoder.finish();
        assertFalse(out == 0);
    }

    static int byteToken(Tokenizer tokenizer, int value) {
        return tokenizer.id(String.format("<0x%02X>", value)).orElseThrow();
    }
}
