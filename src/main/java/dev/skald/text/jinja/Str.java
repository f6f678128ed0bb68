package dev.skald.text.jinja;

import java.util.Arrays;

/**
 * A string that knows which of its characters are foreign: came with a request rather than from the template. Indices of this class are
 * UTF-16; {@link #length} and {@link #index} speak Python's code points. Immutable.
 */
final class Str implements Value {
    private final String text;
    /** By UTF-16 unit; null: all alike, as {@link #allForeign} says. */
    private final boolean[] foreign;
    private final boolean allForeign;
    private final boolean markup;

    private Str(String text, boolean[] foreign, boolean allForeign, boolean markup) {
        this.text = text;
        this.foreign = foreign;
        this.allForeign = allForeign;
        this.markup = markup;
    }

    static Str trusted(String text) {
        return new Str(text, null, false, false);
    }

    static Str foreign(String text) {
        return new Str(text, null, true, false);
    }

    /** @param foreign by UTF-16 unit, may be longer than the text; not copied */
    static Str mixed(String text, boolean[] foreign) {
        return new Str(text, foreign, false, false);
    }

    String text() {
        return text;
    }

    boolean isForeign(int index) {
        return foreign == null ? allForeign : foreign[index];
    }

    boolean anyForeign() {
        if (foreign == null) return allForeign && !text.isEmpty();
        for (int i = 0; i < text.length(); i++) if (foreign[i]) return true;
        return false;
    }

    /** Text computed from this one in a way that characters can't be followed through: foreign as a whole if any of this is. */
    Str become(String other) {
        return new Str(other, null, anyForeign(), markup);
    }

    /** Safe HTML already: what is joined to it gets escaped. */
    boolean markup() {
        return markup;
    }

    Str asMarkup(boolean value) {
        return value == markup ? this : new Str(text, foreign, allForeign, value);
    }

    boolean isEmpty() {
        return text.isEmpty();
    }

    /** In code points, as Python counts. */
    int length() {
        return text.codePointCount(0, text.length());
    }

    /** UTF-16 index of a code point. */
    int index(int codePoint) {
        return text.offsetByCodePoints(0, codePoint);
    }

    /** Code points before a UTF-16 index. */
    int codePoints(int index) {
        return text.codePointCount(0, index);
    }

    Str substring(int start, int end) {
        if (start == 0 && end == text.length()) return this;
        boolean[] part = foreign == null ? null : Arrays.copyOfRange(foreign, start, end);
        return new Str(text.substring(start, end), part, allForeign, markup);
    }

    @Override
    public String toString() {
        return text;
    }
}
