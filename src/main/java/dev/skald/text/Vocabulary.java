package dev.skald.text;

import java.util.List;
import java.util.OptionalInt;

/**
 * A tokenizer as sentencepiece models and GGUF files hold it: pieces by number, and which way text falls into them. {@link VocabularyJson}
 * makes a tokenizer.json of it. Immutable.
 *
 * @param where  names the source in messages
 * @param pieces by id
 * @param kinds  by id
 * @param model  how text becomes pieces
 * @param begin  put before each text
 * @param end    put behind each text
 */
public record Vocabulary(String where, List<String> pieces, List<Kind> kinds, Model model, OptionalInt begin, OptionalInt end) {
    /** No vocabulary in use has a tenth of it. */
    public static final int MAX_PIECES = 1 << 22;

    /** What a piece is; sentencepiece numbers them like this, from 1. */
    public enum Kind {
        NORMAL,
        /** Stands for what has no piece. */
        UNKNOWN,
        /** Steers the model; text that spells it is found before anything else. */
        CONTROL,
        /** Text that is never split, found before anything else. */
        USER_DEFINED,
        UNUSED,
        /** One byte, spelt {@code <0xE4>}. */
        BYTE;

        /** @throws TokenizerException for a number that no kind has */
        public static Kind of(String where, int number) {
            if (number < 1 || number > values().length) throw new TokenizerException(where + " has a token of the unknown type " + number);
            return values()[number - 1];
        }
    }

    /** Ways to split text. */
    public sealed interface Model {}

    /**
     * Byte-level BPE: GPT-2 and what came after it.
     *
     * @param split  how text is cut before pieces are merged
     * @param merges "left right", most urgent first
     */
    public record ByteLevel(PreTokenizer split, List<String> merges) implements Model {
        public ByteLevel {
            merges = List.copyOf(merges);
        }
    }

    /**
     * Sentencepiece, with "▁" for spaces.
     *
     * @param unigram the likeliest pieces together, else BPE: the best-scored pair first
     * @param scores  by id
     * @param rules   what happens to text before
     */
    public record SentencePiece(boolean unigram, List<Float> scores, Normalising rules) implements Model {
        public SentencePiece {
            scores = List.copyOf(scores);
        }
    }

    /**
     * @param charsMap    sentencepiece's compiled table of replacements; empty: none
     * @param spacePrefix a space is put before each text
     * @param trim        white space at both ends goes, and of several spaces one stays
     */
    public record Normalising(byte[] charsMap, boolean spacePrefix, boolean trim) {
        /** @param spacePrefix a space is put before each text; nothing else happens */
        public static Normalising spaces(boolean spacePrefix) {
            return new Normalising(new byte[0], spacePrefix, false);
        }
    }

    /** @throws TokenizerException if lists differ in length, are empty or too long, or begin and end are no pieces */
    public Vocabulary {
        pieces = List.copyOf(pieces);
        kinds = List.copyOf(kinds);
        if (pieces.isEmpty()) throw new TokenizerException(where + " has no vocabulary");
        if (pieces.size() > MAX_PIECES) throw new TokenizerException(where + " has " + pieces.size() + " tokens, more than " + MAX_PIECES);
        boolean scored = !(model instanceof SentencePiece sp) || sp.scores().size() == pieces.size();
        if (kinds.size() != pieces.size() || !scored) throw new TokenizerException(where + " has more tokens than types or scores, or fewer");
        for (OptionalInt id : List.of(begin, end)) {
            if (id.isPresent() && (id.getAsInt() < 0 || id.getAsInt() >= pieces.size())) {
                throw new TokenizerException(where + " puts token " + id.getAsInt() + " around a text, but has only " + pieces.size());
            }
        }
    }
}
