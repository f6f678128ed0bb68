package dev.skald.boot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.skald.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Vocabularies of other formats give the ids that their own libraries give: see make_vocabularies.py. */
class VocabularyGoldenTest {
    private static final Path FOLDER = Path.of("src/test/resources/golden/vocabularies");

    /** Where the libraries differ. */
    private enum Known {
        NOTHING,
        /** Sentencepiece finds user-defined pieces behind the space that it puts first; Hugging Face's library, which ours is, before. */
        USER_DEFINED,
        /** Hugging Face's unigram model takes text that spells a byte token for it, if a character of it is unknown. */
        BYTE_SPELLING;

        boolean concerns(String text) {
            return switch (this) {
                case NOTHING -> false;
                case USER_DEFINED -> text.contains("[INST]");
                case BYTE_SPELLING -> text.matches(".*<0x\\d\\d>.*");
            };
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt-2", "smollm", "llama-bpe", "qwen2", "tekken", "deepseek-llm", "deepseek-coder", "deepseek-v3"})
    void aByteLevelGgufVocabularySplitsAndMergesAsHuggingFacesLibraryDoes(String pre) throws IOException {
        compare(FOLDER.resolve(pre + ".gguf"), pre, Known.NOTHING, true);
    }

    @ParameterizedTest
    @CsvSource({"spm-bpe, spm-bpe, USER_DEFINED", "spm-bpe.gguf, spm-bpe, USER_DEFINED", "spm-unigram, spm-unigram, BYTE_SPELLING"})
    void aSentencepieceModelGivesTheIdsOfSentencepiece(String model, String golden, Known known) throws IOException {
        compare(FOLDER.resolve(model), golden, known, false);
    }

    @Test
    void tokensThatFilesAddToASentencepieceModelComeBehindIt() {
        Tokenizer tokenizer = Tokenizer.load(FOLDER.resolve("spm-unigram"));
        assertEquals(442, tokenizer.vocabSize());
        assertArrayEquals(new int[] {440, 441, 2}, tokenizer.encode("<tool><|end|>", true));
        assertEquals(List.of(false, true, true), List.of(tokenizer.isSpecial(440), tokenizer.isSpecial(441), tokenizer.isSpecial(1)));
        assertArrayEquals(new int[] {1, 3}, Tokenizer.load(FOLDER.resolve("spm-bpe")).encode("[INST]", true));
    }

    /** @param specialInText the golden ids with what goes around a text take what spells a special token for one; sentencepiece never does */
    private static void compare(Path model, String golden, Known known, boolean specialInText) throws IOException {
        int compared = 0;
        try (ModelSource source = ModelSource.open(model)) {
            Tokenizer tokenizer = source.tokenizer();
            for (JsonNode one : new ObjectMapper().readTree(FOLDER.resolve(golden + ".json").toFile())) {
                String text = one.get("text").asText();
                if (known.concerns(text)) continue;
                assertArrayEquals(ints(one.get("ids")), tokenizer.encodePlain(text), () -> "plain: " + text);
                if (!specialInText && text.matches("(?s).*(<s>|</s>|<unk>).*")) continue;
                assertArrayEquals(ints(one.get("around")), tokenizer.encode(text, true), () -> "with what goes around: " + text);
                if (text.codePoints().noneMatch(c -> c == 0x2581)) assertEquals(text, decoded(tokenizer, text, golden), "decoded");
                compared++;
            }
        }
        assertTrue(compared > 70, "only " + compared + " texts were compared");
    }

    /** Back to text; normalising vocabularies don't give it back as it was. */
    private static String decoded(Tokenizer tokenizer, String text, String golden) {
        if (golden.equals("spm-unigram") || golden.equals("qwen2")) return text;
        return tokenizer.decode(tokenizer.encodePlain(text), false);
    }

    private static int[] ints(JsonNode list) {
        return StreamSupport.stream(list.spliterator(), false).mapToInt(JsonNode::asInt).toArray();
    }
}
