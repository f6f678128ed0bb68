package dev.skald.text;

import com.fasterxml.jackson.databind.JsonNode;
import dev.skald.text.Utf8Assembler.Replacement;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a decoder makes of each token by itself, for those decoders whose text is the sequence of its tokens' bytes: byte-level, and "▁" for
 * spaces with or without byte fallback. Others ({@link #of} finds none) need the library and the neighbours. Immutable.
 *
 * @param kind        how a piece becomes bytes
 * @param replaces    pairs (from, to) applied to a piece, in this order; not for byte-level
 * @param leading     the character that is stripped from the start of the whole text; ASCII if their number is limited
 * @param leadingMax  how often at most; {@link Integer#MAX_VALUE}: wherever it is in the first token
 */
record TokenBytes(Kind kind, List<Replace> replaces, char leading, int leadingMax) {
    enum Kind {
        BYTE_LEVEL, BYTE_FALLBACK, TEXT
    }

    record Replace(String from, String to) {
        Replace {
            if (from.isEmpty()) throw new IllegalArgumentException("nothing to replace");
        }
    }

    private static final byte[] NONE = {};
    /** The byte that a character of byte-level pieces stands for; −1: none. */
    private static final short[] BYTE_OF_CHAR = byteOfChar();

    TokenBytes {
        replaces = List.copyOf(replaces);
    }

    /** @param decoder the decoder of a tokenizer.json */
    static Optional<TokenBytes> of(JsonNode decoder) {
        return switch (decoder.path("type").asText()) {
            case "ByteLevel" -> Optional.of(new TokenBytes(Kind.BYTE_LEVEL, List.of(), ' ', 0));
            case "Metaspace" -> metaspace(decoder);
            case "Sequence" -> sequence(decoder.path("decoders"));
            default -> Optional.empty();
        };
    }

    private static Optional<TokenBytes> metaspace(JsonNode decoder) {
        String mark = decoder.path("replacement").asText("▁");
        if (mark.length() != 1) return Optional.empty();
        boolean prefix = decoder.has("prepend_scheme")
                ? !decoder.path("prepend_scheme").asText().equals("never")
                : decoder.path("add_prefix_space").asBoolean(true);
        return Optional.of(new TokenBytes(Kind.TEXT, List.of(new Replace(mark, " ")), mark.charAt(0), prefix ? Integer.MAX_VALUE : 0));
    }

    /** Any number of Replace, then ByteFallback, Fuse and a Strip at the start, each at most once and in this order. */
    private static Optional<TokenBytes> sequence(JsonNode steps) {
        if (steps.size() == 1) return of(steps.get(0));
        List<Replace> replaces = new ArrayList<>();
        Kind kind = Kind.TEXT;
        char leading = ' ';
        int max = 0;
        int stage = 0;
        for (JsonNode step : steps) {
            int at;
            switch (step.path("type").asText()) {
                case "Replace" -> {
                    String from = step.path("pattern").path("String").asText();
                    if (from.isEmpty()) return Optional.empty();
                    at = 1;
                    replaces.add(new Replace(from, step.path("content").asText()));
                }
                case "ByteFallback" -> {
                    at = 2;
                    kind = Kind.BYTE_FALLBACK;
                }
                case "Fuse" -> at = 3;
                case "Strip" -> {
                    String content = step.path("content").asText();
                    if (stage != 3 || content.length() != 1 || content.charAt(0) > '~' || step.path("stop").asInt() != 0) return Optional.empty();
                    at = 4;
                    leading = content.charAt(0);
                    max = step.path("start").asInt();
                }
                default -> {
                    return Optional.empty();
                }
            }
            if (at < stage || at == stage && at != 1) return Optional.empty();
            stage = at;
        }
        return stage >= 3 ? Optional.of(new TokenBytes(kind, replaces, leading, max)) : Optional.empty();
    }

    Replacement replacement() {
        return kind == Kind.BYTE_LEVEL ? Replacement.PER_PART : Replacement.PER_BYTE;
    }

    /** @return the bytes that this piece adds to a text when it isn't the first */
    byte[] bytes(String piece) {
        return switch (kind) {
            case BYTE_LEVEL -> byteLevel(piece);
            case BYTE_FALLBACK -> {
                String text = replaced(piece);
                int value = byteToken(text);
                yield value >= 0 ? new byte[] {(byte) value} : text.getBytes(StandardCharsets.UTF_8);
            }
            case TEXT -> replaced(piece).getBytes(StandardCharsets.UTF_8);
        };
    }

    /** @return the bytes of a piece that begins a text, before a limited number of leading characters is stripped */
    byte[] firstBytes(String piece) {
        if (leadingMax == Integer.MAX_VALUE) return bytes(piece.replace(String.valueOf(leading), ""));
        return bytes(piece);
    }

    private String replaced(String piece) {
        String text = piece;
        for (Replace replace : replaces) text = text.replace(replace.from, replace.to);
        return text;
    }

    /** @return the value of {@code <0xE4>}, −1 for any other piece */
    private static int byteToken(String piece) {
        if (piece.length() != 6 || !piece.startsWith("<0x") || piece.charAt(5) != '>') return -1;
        int high = Character.digit(piece.charAt(3), 16);
        int low = Character.digit(piece.charAt(4), 16);
        return high < 0 || low < 0 ? -1 : high << 4 | low;
    }

    /** A piece with a character outside the table (an added token with a space, say) stands for itself. */
    private static byte[] byteLevel(String piece) {
        if (piece.isEmpty()) return NONE;
        byte[] bytes = new byte[piece.length()];
        for (int i = 0; i < bytes.length; i++) {
            char c = piece.charAt(i);
            if (c >= BYTE_OF_CHAR.length || BYTE_OF_CHAR[c] < 0) return piece.getBytes(StandardCharsets.UTF_8);
            bytes[i] = (byte) BYTE_OF_CHAR[c];
        }
        return bytes;
    }

    /** Printable Latin-1 characters stand for themselves, the other 68 bytes have U+0100 and up, in order. */
    private static short[] byteOfChar() {
        short[] table = new short[0x100 + 68];
        java.util.Arrays.fill(table, (short) -1);
        int next = 0x100;
        for (int b = 0; b < 256; b++) {
            boolean printable = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
            table[printable ? b : next++] = (short) b;
        }
        return table;
    }
}
