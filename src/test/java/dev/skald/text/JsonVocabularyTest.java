package dev.skald.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A tokenizer.json that becomes a vocabulary and a tokenizer again gives the same ids. */
class JsonVocabularyTest {
    private static final String GOLDEN = "src/test/resources/golden/tokenizers/";
    private static final String[] TEXTS = {
        "", "one", " one  two\n\nthree", "111+222=333", "naïve café, 中国的首都是北京。", "<|im_start|>user\nhello<|im_end|>", "<s>x</s>", "🙂 \t end ", "\u0000\u0001"
    };

    @ParameterizedTest
    @ValueSource(strings = {GOLDEN + "bytelevel", GOLDEN + "metaspace", GOLDEN + "metafirst", "src/skald-mini/model"})
    void theWayThereAndBackKeepsEveryId(String folder) {
        Tokenizer original = Tokenizer.load(Path.of(folder));
        Vocabulary vocabulary = JsonVocabulary.read(Path.of(folder));
        Tokenizer again = Tokenizer.of(vocabulary);
        assertEquals(original.vocabSize(), vocabulary.pieces().size());
        for (String text : TEXTS) {
            // there sentencepiece puts a space that Metaspace's "first" leaves out
            if (folder.endsWith("metafirst") && (text.startsWith(" ") || text.contains("<s>"))) continue;
            for (boolean special : new boolean[] {true, false}) {
                assertArrayEquals(original.encode(text, special), again.encode(text, special), "\"" + text + "\"");
            }
            int[] ids = original.encode(text, false);
            assertEquals(original.decode(ids, false), again.decode(ids, false));
        }
        assertArrayEquals(original.specialIds(), again.specialIds());
    }

    @Test
    void theCutOfSkaldMiniHasANameOfItsOwn() {
        Vocabulary.ByteLevel model = (Vocabulary.ByteLevel) JsonVocabulary.read(Path.of("src/skald-mini/model")).model();
        assertEquals("skald-mini", model.split().ggufName());
    }

    @ParameterizedTest
    @ValueSource(strings = {"unigram", "wordpiece"})
    void whatAVocabularyCannotExpressIsRefused(String name) {
        TokenizerException e = assertThrows(TokenizerException.class, () -> JsonVocabulary.read(Path.of(GOLDEN + name)));
        assertTrue(e.getMessage().contains("only BPE is built"), e.getMessage());
    }

    @Test
    void anUnknownCutIsRefusedNotApproximated(@TempDir Path folder) throws Exception {
        String json = Files.readString(Path.of("src/skald-mini/model/tokenizer.json"));
        String other = json.replace("[\\\\p{Han}\\\\p{P}\\\\p{S}]", "[\\\\p{Han}\\\\p{P}]");
        assertTrue(!other.equals(json), "the fixture has changed");
        Files.writeString(folder.resolve("tokenizer.json"), other);
        TokenizerException e = assertThrows(TokenizerException.class, () -> JsonVocabulary.read(folder));
        assertTrue(e.getMessage().contains("cuts text in a way that has no name"), e.getMessage());
    }
}
