package dev.skald.text.jinja;

import java.util.Locale;

/** Python's character classes, by code point, and its case mappings. */
final class Chars {
    private Chars() {}

    static boolean isSpace(int c) {
        return c == ' ' || c >= '\t' && c <= '\r' || c >= 0x1C && c <= 0x1F || c == 0x85 || c > 0x7F && Character.isSpaceChar(c);
    }

    static boolean isLineEnd(int c) {
        return c == '\n' || c == '\r' || c == 0x0B || c == 0x0C || c >= 0x1C && c <= 0x1E || c == 0x85 || c == 0x2028 || c == 0x2029;
    }

    /** Whether repr() shows it as it is. */
    static boolean isPrintable(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE, Character.UNASSIGNED,
                    Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> false;
            case Character.SPACE_SEPARATOR -> c == ' ';
            default -> true;
        };
    }

    static boolean isCased(int c) {
        return Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
    }

    static boolean isNumeric(int c) {
        int type = Character.getType(c);
        return type == Character.DECIMAL_DIGIT_NUMBER || type == Character.LETTER_NUMBER || type == Character.OTHER_NUMBER;
    }

    /** Superscripts and circled numbers are digits in Python as well. */
    static boolean isDigit(int c) {
        return Character.isDigit(c) || c == 0xB2 || c == 0xB3 || c == 0xB9 || c == 0x2070 || c >= 0x2074 && c <= 0x2079
                || c >= 0x2080 && c <= 0x2089 || c >= 0x2460 && c <= 0x2468;
    }

    static String upper(String s) {
        return s.toUpperCase(Locale.ROOT);
    }

    static String lower(String s) {
        return s.toLowerCase(Locale.ROOT);
    }

    /** First character in title case, the rest in lower case. */
    static String capitalize(String s) {
        if (s.isEmpty()) return s;
        int end = s.offsetByCodePoints(0, 1);
        return title(s.codePointAt(0)) + lower(s).substring(lower(s.substring(0, end)).length());
    }

    /** A letter after no letter in title case, the others in lower case. */
    static String titled(String s) {
        StringBuilder out = new StringBuilder();
        boolean inWord = false;
        String lower = lower(s);
        boolean aligned = lower.length() == s.length();
        for (int i = 0; i < s.length(); ) {
            int c = s.codePointAt(i);
            int n = Character.charCount(c);
            if (!inWord) out.append(title(c));
            else out.append(aligned ? lower.substring(i, i + n) : lower(s.substring(i, i + n)));
            inWord = isCased(c);
            i += n;
        }
        return out.toString();
    }

    private static String title(int c) {
        int t = Character.toTitleCase(c);
        // Java has no title form of several characters (ß → Ss): upper case with its rest lowered is the same
        String upper = upper(Character.toString(c));
        if (t == c && upper.length() > Character.charCount(c)) return upper.substring(0, 1) + lower(upper.substring(1));
        return Character.toString(t);
    }

    static String swapCase(String s) {
        StringBuilder out = new StringBuilder();
        s.codePoints().forEach(c -> {
            String one = Character.toString(c);
            out.append(Character.isUpperCase(c) ? lower(one) : Character.isLowerCase(c) ? upper(one) : one);
        });
        return out.toString();
    }
}
