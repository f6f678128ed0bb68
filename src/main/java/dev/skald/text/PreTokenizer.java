package dev.skald.text;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * How byte-level vocabularies cut text before they merge, by the names that GGUF files give: each names the model family that introduced it. As
 * steps of a Hugging Face tokenizer: a normaliser, cuts by pattern, then bytes.
 */
public enum PreTokenizer {
    GPT_2(List.of("gpt-2", "phi-2"), Extra.NONE, List.of(), true),
    SMOLLM(List.of("smollm", "starcoder", "refact"), Extra.NONE, List.of(Cut.DIGITS), true),
    LLAMA_3(List.of("llama-bpe", "llama3", "llama-v3"), Extra.WHOLE_WORDS, List.of(Patterns.words("\\p{N}{1,3}")), false),
    QWEN_2(List.of("qwen2", "deepseek-r1-qwen"), Extra.NFC, List.of(Patterns.words("\\p{N}")), false),
    TEKKEN(List.of("tekken"), Extra.WHOLE_WORDS, List.of(Patterns.CASED_WORDS), false),
    DEEPSEEK_LLM(
            List.of("deepseek-llm"),
            Extra.NONE,
            List.of(Patterns.LINE_END, Patterns.CASED_LETTERS, Patterns.PUNCTUATION, Patterns.LAST_SPACES, Patterns.HAN_AND_HANGUL, Cut.DIGITS),
            false),
    DEEPSEEK_CODER(
            List.of("deepseek-coder"),
            Extra.NONE,
            List.of(Patterns.LINE_END, new Cut("\\s?\\p{L}+"), new Cut("\\s?\\p{P}+"), Patterns.HAN_AND_HANGUL, Cut.DIGITS),
            false),
    DEEPSEEK_3(
            List.of("deepseek-v3"), Extra.NONE, List.of(new Cut("\\p{N}{1,3}"), Patterns.HAN_AND_KANA, Patterns.DEEPSEEK_3_WORDS), false),
    /** Known to Skald alone: others refuse the file, which is better than other tokens. */
    SKALD_MINI(List.of("skald-mini"), Extra.NONE, List.of(new Cut("[\\p{Han}\\p{P}\\p{S}]"), Cut.DIGITS), true);

    /** What some need beside cutting. */
    enum Extra {
        NONE,
        /** Text is composed (NFC) first. */
        NFC,
        /** A part that is a token as a whole is that token, whatever merging would make of it. */
        WHOLE_WORDS
    }

    /** @param pattern what is cut out; empty: each digit by itself */
    record Cut(String pattern) {
        static final Cut DIGITS = new Cut("");
    }

    private static final class Patterns {
        static final Cut LINE_END = new Cut("[\r\n]");
        /** Lower, upper and title case: what those vocabularies list one by one. */
        static final Cut CASED_LETTERS = new Cut("\\s?[\\p{Lu}\\p{Ll}\\p{Lt}]+");
        static final Cut PUNCTUATION = new Cut("\\s?[!-/:-~！-／：-～‘-‟\u3000-。]+");
        static final Cut LAST_SPACES = new Cut("\\s+$");
        static final Cut HAN_AND_HANGUL = new Cut("[一-龥ࠀ-一가-\uD7FF]+");
        static final Cut HAN_AND_KANA = new Cut("[一-龥\u3040-ゟ゠-ヿ]+");
        static final Cut DEEPSEEK_3_WORDS = new Cut("[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
                + "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+");
        static final Cut CASED_WORDS = new Cut("[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
                + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*"
                + "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+");

        static Cut words(String number) {
            return new Cut("(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" + number
                    + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+");
        }
    }

    private final List<String> names;
    private final Extra extra;
    private final List<Cut> cuts;
    private final boolean gpt2Words;

    PreTokenizer(List<String> names, Extra extra, List<Cut> cuts, boolean gpt2Words) {
        this.names = names;
        this.extra = extra;
        this.cuts = cuts;
        this.gpt2Words = gpt2Words;
    }

    /** @param name as {@code tokenizer.ggml.pre} says it @throws TokenizerException naming it and those that are known */
    public static PreTokenizer of(String where, String name) {
        return Arrays.stream(values()).filter(p -> p.names.contains(name)).findFirst().orElseThrow(() -> new TokenizerException(where
                + " splits its text by the pre-tokenizer " + name + ", which is unknown; known are "
                + Arrays.stream(values()).flatMap(p -> p.names.stream()).sorted().collect(Collectors.joining(", "))));
    }

    /** What GGUF files call it. */
    public String ggufName() {
        return names.getFirst();
    }

    /** Whether a begin token is put before a text where the file doesn't say. */
    public boolean begins() {
        return this == LLAMA_3 || this == TEKKEN;
    }

    Extra extra() {
        return extra;
    }

    List<Cut> cuts() {
        return cuts;
    }

    /** Whether GPT-2's own pattern comes last. */
    boolean gpt2Words() {
        return gpt2Words;
    }
}
