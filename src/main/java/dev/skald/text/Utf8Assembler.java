package dev.skald.text;

/**
 * Bytes that come in pieces become text as soon as their characters are whole; what is no UTF-8 becomes U+FFFD. Holds three bytes at most.
 * Belongs to one thread.
 */
final class Utf8Assembler {
    /** How many U+FFFD stand for bytes that began a character and were not continued as they should be. */
    enum Replacement {
        /** One: the practice of the Unicode standard, and of byte-level tokenizers. */
        PER_PART,
        /** One for each byte: what tokenizers with byte fallback do. */
        PER_BYTE
    }

    private static final char REPLACEMENT = '\uFFFD';

    private final Replacement replacement;
    /** Value so far, bytes still to come, bytes seen, and the range in which the next byte must be. */
    private int value, wanted, seen, low, high;

    Utf8Assembler(Replacement replacement) {
        this.replacement = replacement;
    }

    /** Appends to {@code out} what {@code b} completes. */
    void push(byte b, StringBuilder out) {
        int x = b & 0xFF;
        if (wanted > 0) {
            if (x >= low && x <= high) {
                value = value << 6 | x & 0x3F;
                seen++;
                low = 0x80;
                high = 0xBF;
                if (--wanted == 0) out.appendCodePoint(value);
                return;
            }
            flush(out);
        }
        if (x < 0x80) out.append((char) x);
        else begin(x, out);
    }

    private void begin(int lead, StringBuilder out) {
        low = 0x80;
        high = 0xBF;
        if (lead >= 0xC2 && lead <= 0xDF) {
            wanted = 1;
            value = lead & 0x1F;
        } else if (lead >= 0xE0 && lead <= 0xEF) {
            wanted = 2;
            value = lead & 0x0F;
            if (lead == 0xE0) low = 0xA0; // no overlong forms
            if (lead == 0xED) high = 0x9F; // no surrogates
        } else if (lead >= 0xF0 && lead <= 0xF4) {
            wanted = 3;
            value = lead & 0x07;
            if (lead == 0xF0) low = 0x90;
            if (lead == 0xF4) high = 0x8F; // nothing above U+10FFFF
        } else {
            out.append(REPLACEMENT);
            return;
        }
        seen = 1;
    }

    /** Whether a character has begun and is not whole. */
    boolean pending() {
        return wanted > 0;
    }

    /** Gives up on a begun character. */
    void flush(StringBuilder out) {
        if (wanted == 0) return;
        int count = replacement == Replacement.PER_BYTE ? seen : 1;
        for (int i = 0; i < count; i++) out.append(REPLACEMENT);
        wanted = 0;
    }
}
