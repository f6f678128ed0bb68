package dev.skald.text.jinja;

import dev.skald.text.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts a template into tokens, with trim_blocks and lstrip_blocks on, as chat templates are written for: the line end after a statement or
 * comment goes, and so does the white space before one on its line; {@code -} takes more of both, {@code +} keeps them.
 */
final class Lexer {
    private static final Pattern RAW_BEGIN = Pattern.compile("\\{%([-+]?)\\s*raw\\s*(-%}\\s*|%})", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern RAW_END = Pattern.compile("\\{%([-+]?)\\s*endraw\\s*(\\+%}|-%}\\s*|%}\\n?)", Pattern.UNICODE_CHARACTER_CLASS);

    private final String source;
    private final int[] lineStarts;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    /** Whether what was read last ended a line (or nothing was read): only white space can then be before the next tag. */
    private boolean lineStarting = true;

    private Lexer(String source) {
        this.source = source;
        this.lineStarts = java.util.stream.IntStream.concat(java.util.stream.IntStream.of(0),
                java.util.stream.IntStream.range(0, source.length()).filter(i -> source.charAt(i) == '\n').map(i -> i + 1)).toArray();
    }

    static List<Token> lex(String template) {
        String source = template.replace("\r\n", "\n").replace('\r', '\n');
        if (source.endsWith("\n")) source = source.substring(0, source.length() - 1);
        Lexer lexer = new Lexer(source);
        lexer.run();
        return lexer.tokens;
    }

    private void run() {
        while (at < source.length()) {
            int tag = nextTag(at);
            if (tag < 0) {
                text(at, source.length());
                at = source.length();
                break;
            }
            tag(tag);
        }
        add(Kind.END, "", source.length());
    }

    private int nextTag(int from) {
        for (int i = source.indexOf('{', from); i >= 0 && i + 1 < source.length(); i = source.indexOf('{', i + 1)) {
            if ("%{#".indexOf(source.charAt(i + 1)) >= 0) return i;
        }
        return -1;
    }

    private void tag(int tag) {
        char type = source.charAt(tag + 1);
        char sign = tag + 2 < source.length() ? source.charAt(tag + 2) : 0;
        int begin = at;
        Matcher raw = RAW_BEGIN.matcher(source).region(tag, source.length());
        boolean isRaw = type == '%' && raw.lookingAt();
        text(begin, textEnd(begin, tag, sign, type != '{'));
        at = tag + (sign == '-' || sign == '+' ? 3 : 2);
        lineStarting = false;
        if (isRaw) raw(raw, tag);
        else if (type == '#') comment(tag);
        else inside(tag, type == '%');
    }

    /** Where the text before a tag ends, once white space is taken away. */
    private int textEnd(int begin, int tag, char sign, boolean stripLine) {
        int end = tag;
        if (sign == '-') {
            while (end > begin && Chars.isSpace(source.charAt(end - 1))) end--;
        } else if (sign != '+' && stripLine) {
            int line = source.lastIndexOf('\n', tag - 1) + 1;
            boolean fromLineStart = line > begin || line <= begin && lineStarting;
            int from = Math.max(line, begin);
            if (fromLineStart && source.substring(from, tag).codePoints().allMatch(Chars::isSpace)) end = from;
        }
        return end;
    }

    private void raw(Matcher begin, int tag) {
        at = begin.end();
        Matcher end = RAW_END.matcher(source);
        if (!end.find(at)) throw error("Missing end of raw directive", tag);
        lineStarting = source.charAt(at - 1) == '\n';
        char sign = end.group(1).isEmpty() ? 0 : end.group(1).charAt(0);
        text(at, textEnd(at, end.start(), sign, true));
        at = end.end();
        lineStarting = source.charAt(at - 1) == '\n';
    }

    private void comment(int tag) {
        int end = source.indexOf("#}", at);
        if (end < 0) throw error("Missing end of comment tag", tag);
        char sign = end > at ? source.charAt(end - 1) : 0;
        at = afterTag(end + 2, sign, true);
    }

    /** Where reading goes on after a tag that ended at {@code end}. */
    private int afterTag(int end, char sign, boolean trim) {
        int next = end;
        if (sign == '-') while (next < source.length() && Chars.isSpace(source.charAt(next))) next++;
        else if (sign != '+' && trim && next < source.length() && source.charAt(next) == '\n') next++;
        lineStarting = source.charAt(next - 1) == '\n';
        return next;
    }

    private void inside(int tag, boolean block) {
        add(block ? Kind.BLOCK_BEGIN : Kind.PRINT_BEGIN, "", tag);
        TagLexer inner = new TagLexer(this, source, block ? "%}" : "}}");
        int end = inner.run(at);
        add(block ? Kind.BLOCK_END : Kind.PRINT_END, "", end - 2);
        at = afterTag(end, inner.endSign(), block);
    }

    private void text(int from, int to) {
        if (to > from) add(Kind.TEXT, source.substring(from, to), from);
    }

    void add(Kind kind, String text, int offset) {
        int line = line(offset);
        tokens.add(new Token(kind, text, line + 1, offset - lineStarts[line] + 1));
    }

    JinjaException error(String message, int offset) {
        int line = line(offset);
        return new JinjaException(JinjaException.Kind.SYNTAX, message, line + 1, offset - lineStarts[line] + 1);
    }

    private int line(int offset) {
        int found = java.util.Arrays.binarySearch(lineStarts, offset);
        return found >= 0 ? found : -found - 2;
    }
}
