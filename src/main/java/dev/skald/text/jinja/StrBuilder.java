package dev.skald.text.jinja;

import java.util.Arrays;

/** Puts a {@link Str} together, within the rendering's budget: text is paid for before it is made. */
final class StrBuilder {
    private final Budget budget;
    private final StringBuilder text = new StringBuilder();
    /** Null while everything is trusted. */
    private boolean[] foreign;

    StrBuilder(Budget budget) {
        this.budget = budget;
    }

    StrBuilder append(Str part) {
        return append(part, 0, part.text().length());
    }

    StrBuilder append(Str part, int start, int end) {
        budget.chars(end - start);
        int at = text.length();
        text.append(part.text(), start, end);
        for (int i = start; i < end; i++) if (part.isForeign(i)) mark(at + i - start);
        if (foreign != null && foreign.length < text.length()) foreign = Arrays.copyOf(foreign, Math.max(text.length(), foreign.length * 2));
        return this;
    }

    private void mark(int index) {
        if (foreign == null) foreign = new boolean[Math.max(64, text.capacity())];
        if (foreign.length <= index) foreign = Arrays.copyOf(foreign, Math.max(text.length(), foreign.length * 2));
        foreign[index] = true;
    }

    /** Text of the template's own. */
    StrBuilder append(String part) {
        budget.chars(part.length());
        text.append(part);
        if (foreign != null && foreign.length < text.length()) foreign = Arrays.copyOf(foreign, Math.max(text.length(), foreign.length * 2));
        return this;
    }

    int length() {
        return text.length();
    }

    Str build() {
        return foreign == null ? Str.trusted(text.toString()) : Str.mixed(text.toString(), foreign);
    }
}
