package dev.skald.text.jinja;

import dev.skald.text.jinja.Value.Seq;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/** The methods that cut strings into pieces. */
final class StrSplit {
    private StrSplit() {}

    static Value split(Rendering rendering, Str s, Args args, boolean fromRight) {
        Args.Bound bound = args.bind(fromRight ? "rsplit" : "split", "sep", "maxsplit");
        int max = bound.integer("maxsplit", -1);
        if (max < 0) max = Integer.MAX_VALUE;
        Optional<Value> separator = bound.some("sep");
        rendering.budget().chars(s.text().length());
        List<Value> parts;
        if (separator.isEmpty()) {
            parts = fromRight ? wordsFromRight(s, max) : words(s, max);
        } else {
            String wanted = StrMethods.text(separator.get()).text();
            if (wanted.isEmpty()) throw JinjaException.type("empty separator");
            parts = fromRight ? piecesFromRight(s, wanted, max) : pieces(s, wanted, max);
        }
        rendering.budget().steps(parts.size());
        return Seq.list(parts);
    }

    private static List<Value> pieces(Str s, String separator, int max) {
        List<Value> out = new ArrayList<>();
        int from = 0;
        for (int at = s.text().indexOf(separator); at >= 0 && out.size() < max; at = s.text().indexOf(separator, from)) {
            out.add(s.substring(from, at));
            from = at + separator.length();
        }
        out.add(s.substring(from, s.text().length()));
        return out;
    }

    private static List<Value> piecesFromRight(Str s, String separator, int max) {
        List<Value> out = new ArrayList<>();
        int to = s.text().length();
        for (int at = s.text().lastIndexOf(separator); at >= 0 && out.size() < max; ) {
            out.add(s.substring(at + separator.length(), to));
            to = at;
            at = at < separator.length() ? -1 : s.text().lastIndexOf(separator, at - separator.length());
        }
        out.add(s.substring(0, to));
        Collections.reverse(out);
        return out;
    }

    private static List<Value> words(Str s, int max) {
        List<Value> out = new ArrayList<>();
        String t = s.text();
        int at = 0;
        while (true) {
            while (at < t.length() && Chars.isSpace(t.charAt(at))) at++;
            if (at == t.length()) return out;
            if (out.size() == max) {
                out.add(s.substring(at, t.length()));
                return out;
            }
            int start = at;
            while (at < t.length() && !Chars.isSpace(t.charAt(at))) at++;
            out.add(s.substring(start, at));
        }
    }

    private static List<Value> wordsFromRight(Str s, int max) {
        List<Value> out = new ArrayList<>();
        String t = s.text();
        int at = t.length();
        while (true) {
            while (at > 0 && Chars.isSpace(t.charAt(at - 1))) at--;
            if (at == 0) break;
            if (out.size() == max) {
                out.add(s.substring(0, at));
                break;
            }
            int end = at;
            while (at > 0 && !Chars.isSpace(t.charAt(at - 1))) at--;
            out.add(s.substring(at, end));
        }
        Collections.reverse(out);
        return out;
    }

    static Value splitLines(Rendering rendering, Str s, Args args) {
        List<Value> lines = lines(s, args.bind("splitlines", "keepends").truth("keepends", false));
        rendering.budget().chars(s.text().length());
        rendering.budget().steps(lines.size());
        return Seq.list(lines);
    }

    static List<Value> lines(Str s, boolean keepEnds) {
        List<Value> out = new ArrayList<>();
        String t = s.text();
        int start = 0;
        for (int i = 0; i < t.length(); i++) {
            if (!Chars.isLineEnd(t.charAt(i))) continue;
            int end = i;
            if (t.charAt(i) == '\r' && i + 1 < t.length() && t.charAt(i + 1) == '\n') i++;
            out.add(s.substring(start, keepEnds ? i + 1 : end));
            start = i + 1;
        }
        if (start < t.length()) out.add(s.substring(start, t.length()));
        return out;
    }

    static Value partition(Rendering rendering, Str s, Args args, boolean last) {
        Str separator = StrMethods.text(args.bind(last ? "rpartition" : "partition", "sep").need("sep"));
        if (separator.isEmpty()) throw JinjaException.type("empty separator");
        rendering.budget().chars(s.text().length());
        int at = last ? s.text().lastIndexOf(separator.text()) : s.text().indexOf(separator.text());
        if (at < 0) return last ? Seq.tuple(Value.EMPTY, Value.EMPTY, s) : Seq.tuple(s, Value.EMPTY, Value.EMPTY);
        return Seq.tuple(s.substring(0, at), separator, s.substring(at + separator.text().length(), s.text().length()));
    }
}
