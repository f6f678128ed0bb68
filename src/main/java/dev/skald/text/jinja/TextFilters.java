package dev.skald.text.jinja;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Filters that make text of text. Other values are turned into text first. */
final class TextFilters {
    private static final Pattern WORD_START = Pattern.compile("[-\\s({\\[<]+", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern WORD = Pattern.compile("\\w+", Pattern.UNICODE_CHARACTER_CLASS);

    static final Map<String, Filter> ALL = Map.ofEntries(
            Map.entry("upper", Filters.bare("upper", (r, v) -> StrMethods.mapped(r, Repr.str(r, v), Chars::upper))),
            Map.entry("lower", Filters.bare("lower", (r, v) -> StrMethods.mapped(r, Repr.str(r, v), Chars::lower))),
            Map.entry("capitalize", Filters.bare("capitalize", (r, v) -> StrMethods.mapped(r, Repr.str(r, v), Chars::capitalize))),
            Map.entry("title", Filters.bare("title", (r, v) -> StrMethods.mapped(r, Repr.str(r, v), TextFilters::title).asMarkup(false))),
            Map.entry("trim", (r, v, a) -> StrMethods.strip(Repr.str(r, v), a.bind("trim", "chars").some("chars"), true, true)),
            Map.entry("replace", TextFilters::replace),
            Map.entry("indent", TextFilters::indent),
            Map.entry("center", (r, v, a) ->
                    StrMethods.pad(r, Repr.str(r, v), a.bind("center", "width").integer("width", 80), Str.trusted(" "), "center")),
            Map.entry("format", TextFilters::format),
            Map.entry("safe", Filters.bare("safe", (r, v) -> Repr.str(r, v).asMarkup(true))),
            Map.entry("escape", Filters.bare("escape", (r, v) -> Operators.escape(r, Repr.str(r, v)))),
            Map.entry("e", Filters.bare("e", (r, v) -> Operators.escape(r, Repr.str(r, v)))),
            Map.entry("forceescape", Filters.bare("forceescape", (r, v) -> Operators.escape(r, Repr.str(r, v).asMarkup(false)))),
            Map.entry("urlencode", TextFilters::urlEncode),
            Map.entry("wordcount", Filters.bare("wordcount", (r, v) -> Value.of(WORD.matcher(Repr.str(r, v).text()).results().count()))),
            Map.entry("truncate", TextFilters::truncate));

    private TextFilters() {}

    /** A word starts after white space, a dash or an opening bracket; an apostrophe doesn't start one. */
    private static String title(String s) {
        StringBuilder out = new StringBuilder();
        Matcher m = WORD_START.matcher(s);
        int start = 0;
        while (m.find()) {
            out.append(upperFirst(s.substring(start, m.start()))).append(m.group());
            start = m.end();
        }
        return out.append(upperFirst(s.substring(start))).toString();
    }

    private static String upperFirst(String word) {
        if (word.isEmpty()) return word;
        int first = Character.charCount(word.codePointAt(0));
        return Chars.upper(word.substring(0, first)) + Chars.lower(word.substring(first));
    }

    private static Value replace(Rendering rendering, Value value, Args args) {
        Args.Bound bound = args.bind("replace", "old", "new", "count");
        return StrMethods.replace(rendering, Repr.str(rendering, value).asMarkup(false), Repr.str(rendering, bound.need("old")),
                Repr.str(rendering, bound.need("new")), bound.integer("count", -1));
    }

    private static Value indent(Rendering rendering, Value value, Args args) {
        Args.Bound bound = args.bind("indent", "width", "first", "blank");
        StrBuilder indention = rendering.builder();
        if (bound.optional("width").orElse(Value.of(4)) instanceof Str s) indention.append(s);
        else for (int i = bound.integer("width", 4); i > 0; i--) indention.append(" ");
        Str by = indention.build();
        boolean blank = bound.truth("blank", false);
        // a line end more, so that text that ends with one keeps it
        Str text = rendering.builder().append(Repr.str(rendering, value)).append("\n").build();
        List<Value> lines = StrSplit.lines(text, false);
        StrBuilder out = rendering.builder();
        if (bound.truth("first", false)) out.append(by);
        for (int i = 0; i < lines.size(); i++) {
            Str line = (Str) lines.get(i);
            if (i > 0) {
                out.append("\n");
                if (blank || !line.isEmpty()) out.append(by);
            }
            out.append(line);
        }
        return out.build();
    }

    private static Value format(Rendering rendering, Value value, Args args) {
        if (!args.positional().isEmpty() && !args.named().isEmpty()) {
            throw JinjaException.type("can't handle positional and keyword arguments at the same time");
        }
        Value values = Value.Seq.tuple(args.positional());
        if (!args.named().isEmpty()) {
            Dict named = new Dict();
            args.named().forEach(named::put);
            values = named;
        }
        return PercentFormat.format(rendering, Repr.str(rendering, value), values);
    }

    private static Value urlEncode(Rendering rendering, Value value, Args args) {
        args.bind("urlencode");
        if (value instanceof Str || !Iterate.isIterable(value)) return quoted(rendering, Repr.str(rendering, value), "/", "%20");
        List<Value> pairs = value instanceof Dict d ? d.items() : Iterate.list(rendering, value);
        StrBuilder out = rendering.builder();
        for (Value pair : pairs) {
            List<Value> parts = Iterate.list(rendering, pair);
            if (parts.size() != 2) throw JinjaException.type("urlencode needs pairs");
            if (out.length() > 0) out.append("&");
            out.append(quoted(rendering, Repr.str(rendering, parts.get(0)), "", "+")).append("=");
            out.append(quoted(rendering, Repr.str(rendering, parts.get(1)), "", "+"));
        }
        return out.build();
    }

    private static Str quoted(Rendering rendering, Str s, String safe, String space) {
        rendering.budget().chars(s.text().length() * 9L);
        StringBuilder out = new StringBuilder();
        for (byte b : s.text().getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xFF);
            boolean plain = c < 0x80 && (Character.isLetterOrDigit(c) || "_.-~".indexOf(c) >= 0 || safe.indexOf(c) >= 0);
            if (plain) out.append(c);
            else if (c == ' ') out.append(space);
            else out.append(String.format("%%%02X", (int) c));
        }
        return s.become(out.toString());
    }

    private static Value truncate(Rendering rendering, Value value, Args args) {
        Args.Bound bound = args.bind("truncate", "length", "killwords", "end", "leeway");
        Str s = Repr.str(rendering, value);
        int length = bound.integer("length", 255);
        Str end = bound.optional("end").map(StrMethods::text).orElse(Str.trusted("..."));
        if (length < end.length()) throw JinjaException.type("expected length >= " + end.length() + ", got " + length);
        int leeway = bound.integer("leeway", 5);
        if (leeway < 0) throw JinjaException.type("expected leeway >= 0, got " + leeway);
        if (s.length() <= (long) length + leeway) return s;
        Str cut = s.substring(0, s.index(length - end.length()));
        if (!bound.truth("killwords", false)) {
            int space = cut.text().lastIndexOf(' ');
            if (space >= 0) cut = cut.substring(0, space);
        }
        return rendering.builder().append(cut).append(end).build();
    }

}
