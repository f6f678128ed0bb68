package dev.skald.text.jinja;

import dev.skald.text.jinja.Token.Kind;
import java.util.ArrayDeque;
import java.util.Deque;

/** Cuts what is inside of one tag. */
final class TagLexer {
    private static final String[] OPERATORS = {
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";"
    };

    private final Lexer lexer;
    private final String source;
    private final String end;
    private final Deque<Character> open = new ArrayDeque<>();
    private int at;
    private char endSign;

    /** @param end how the tag ends, without a sign */
    TagLexer(Lexer lexer, String source, String end) {
        this.lexer = lexer;
        this.source = source;
        this.end = end;
    }

    /** @return the sign at the tag's end, 0 for none */
    char endSign() {
        return endSign;
    }

    /** @return the offset after the tag's end */
    int run(int from) {
        at = from;
        while (true) {
            while (at < source.length() && Chars.isSpace(source.charAt(at))) at++;
            if (at >= source.length()) throw lexer.error("unexpected end of template, expected '" + end + "'", from);
            if (open.isEmpty() && atEnd()) return at;
            one();
        }
    }

    private boolean atEnd() {
        char sign = source.charAt(at);
        boolean signed = sign == '-' || sign == '+' && end.equals("%}");
        if (signed && source.startsWith(end, at + 1)) {
            endSign = sign;
            at += 1 + end.length();
            return true;
        }
        if (!source.startsWith(end, at)) return false;
        at += end.length();
        return true;
    }

    private void one() {
        char c = source.charAt(at);
        if (c >= '0' && c <= '9') number();
        else if (c == '_' || Character.isUnicodeIdentifierStart(source.codePointAt(at))) name();
        else if (c == '\'' || c == '"') string(c);
        else operator();
    }

    private void name() {
        int start = at;
        while (at < source.length()) {
            int c = source.codePointAt(at);
            if (c != '_' && (!Character.isUnicodeIdentifierPart(c) || Character.isIdentifierIgnorable(c))) break;
            at += Character.charCount(c);
        }
        lexer.add(Kind.NAME, source.substring(start, at), start);
    }

    private void number() {
        int start = at;
        char second = at + 1 < source.length() ? Character.toLowerCase(source.charAt(at + 1)) : 0;
        int radix = source.charAt(at) != '0' ? 10 : second == 'x' ? 16 : second == 'o' ? 8 : second == 'b' ? 2 : 10;
        if (radix != 10 && digits(at + 2, radix, true) > at + 2) {
            at = digits(at + 2, radix, true);
            lexer.add(Kind.INTEGER, source.substring(start, at), start);
            return;
        }
        int whole = digits(at, 10, false);
        int real = whole;
        boolean afterDot = start > 0 && source.charAt(start - 1) == '.';
        if (!afterDot && real + 1 < source.length() && source.charAt(real) == '.' && isDigit(real + 1)) real = digits(real + 1, 10, false);
        if (!afterDot && real < source.length() && (source.charAt(real) == 'e' || source.charAt(real) == 'E')) {
            int exponent = real + 1;
            if (exponent < source.length() && (source.charAt(exponent) == '+' || source.charAt(exponent) == '-')) exponent++;
            if (isDigit(exponent)) real = digits(exponent, 10, false);
        }
        if (real > whole) {
            at = real;
            lexer.add(Kind.REAL, source.substring(start, at).replace("_", ""), start);
            return;
        }
        // a number that starts with 0 has no other digits
        at = source.charAt(start) == '0' ? zeros(start) : whole;
        lexer.add(Kind.INTEGER, source.substring(start, at), start);
    }

    private int zeros(int from) {
        int i = from;
        while (source.startsWith("0", i) || source.startsWith("_0", i)) i++;
        return i;
    }

    private boolean isDigit(int index) {
        return index < source.length() && source.charAt(index) >= '0' && source.charAt(index) <= '9';
    }

    /** @return the offset after digits with single underscores between them */
    private int digits(int from, int radix, boolean underscoreFirst) {
        int i = from;
        while (i < source.length()) {
            boolean underscore = source.charAt(i) == '_' && (i > from || underscoreFirst);
            int digit = underscore ? i + 1 : i;
            if (digit >= source.length() || source.charAt(digit) > 'z' || Character.digit(source.charAt(digit), radix) < 0) break;
            i = digit + 1;
        }
        return i;
    }

    private void string(char quote) {
        int start = at++;
        StringBuilder out = new StringBuilder();
        while (true) {
            if (at >= source.length()) {
                throw lexer.error("unexpected char " + Repr.quote(String.valueOf(quote)) + ": the string has no end", start);
            }
            char c = source.charAt(at++);
            if (c == quote) break;
            if (c != '\\') out.append(c);
            else if (at < source.length()) escape(out, start);
        }
        lexer.add(Kind.STRING, out.toString(), start);
    }

    /** Python's escapes; an unknown one stands for itself, backslash and all. */
    private void escape(StringBuilder out, int start) {
        char c = source.charAt(at++);
        switch (c) {
            case '\n' -> { }
            case '\\', '\'', '"' -> out.append(c);
            case 'a' -> out.append('\u0007');
            case 'b' -> out.append('\b');
            case 'f' -> out.append('\f');
            case 'n' -> out.append('\n');
            case 'r' -> out.append('\r');
            case 't' -> out.append('\t');
            case 'v' -> out.append('\u000B');
            case 'x' -> hex(out, 2, start);
            case 'u' -> hex(out, 4, start);
            case 'U' -> hex(out, 8, start);
            case 'N' -> throw lexer.error("\\N{…} is not available here", start);
            default -> {
                if (c >= '0' && c <= '7') octal(out, c - '0');
                else out.append('\\').append(c);
            }
        }
    }

    private void hex(StringBuilder out, int digits, int start) {
        String text = at + digits <= source.length() ? source.substring(at, at + digits) : "";
        if (text.isEmpty() || !text.chars().allMatch(c -> c < 0x80 && Character.digit(c, 16) >= 0)) {
            throw lexer.error("a \\x, \\u or \\U escape needs its hexadecimal digits", start);
        }
        long codePoint = Long.parseLong(text, 16);
        if (codePoint > 0x10FFFF) throw lexer.error("illegal Unicode character", start);
        out.appendCodePoint((int) codePoint);
        at += digits;
    }

    private void octal(StringBuilder out, int first) {
        int value = first;
        for (int i = 0; i < 2 && at < source.length() && source.charAt(at) >= '0' && source.charAt(at) <= '7'; i++) {
            value = value * 8 + source.charAt(at++) - '0';
        }
        out.append((char) value);
    }

    private void operator() {
        for (String operator : OPERATORS) {
            if (!source.startsWith(operator, at)) continue;
            balance(operator);
            lexer.add(Kind.OPERATOR, operator, at);
            at += operator.length();
            return;
        }
        throw lexer.error("unexpected char " + Repr.quote(Character.toString(source.codePointAt(at))), at);
    }

    private void balance(String operator) {
        switch (operator) {
            case "(" -> open.push(')');
            case "[" -> open.push(']');
            case "{" -> open.push('}');
            case ")", "]", "}" -> {
                if (open.isEmpty()) throw lexer.error("unexpected '" + operator + "'", at);
                char expected = open.pop();
                if (expected != operator.charAt(0)) throw lexer.error("unexpected '" + operator + "', expected '" + expected + "'", at);
            }
            default -> { }
        }
    }
}
