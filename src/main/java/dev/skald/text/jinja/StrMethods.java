package dev.skald.text.jinja;

import dev.skald.text.jinja.Value.None;
import dev.skald.text.jinja.Value.Seq;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntPredicate;
import java.util.function.UnaryOperator;

/** The methods of strings. Characters keep their origin wherever they can be followed. */
final class StrMethods {
    interface Method {
        Value call(Rendering rendering, Str self, Args args);
    }

    private static final Map<String, Method> METHODS = Map.ofEntries(
            Map.entry("strip", (r, s, a) -> strip(s, a, "strip", true, true)),
            Map.entry("lstrip", (r, s, a) -> strip(s, a, "lstrip", true, false)),
            Map.entry("rstrip", (r, s, a) -> strip(s, a, "rstrip", false, true)),
            Map.entry("split", (r, s, a) -> StrSplit.split(r, s, a, false)),
            Map.entry("rsplit", (r, s, a) -> StrSplit.split(r, s, a, true)),
            Map.entry("splitlines", StrSplit::splitLines),
            Map.entry("partition", (r, s, a) -> StrSplit.partition(r, s, a, false)),
            Map.entry("rpartition", (r, s, a) -> StrSplit.partition(r, s, a, true)),
            Map.entry("startswith", (r, s, a) -> startsOrEnds(s, a, true)),
            Map.entry("endswith", (r, s, a) -> startsOrEnds(s, a, false)),
            Map.entry("replace", StrMethods::replace),
            Map.entry("upper", (r, s, a) -> mapped(r, s, a, "upper", Chars::upper)),
            Map.entry("lower", (r, s, a) -> mapped(r, s, a, "lower", Chars::lower)),
            Map.entry("casefold", (r, s, a) -> mapped(r, s, a, "casefold", t -> Chars.lower(Chars.upper(t)))),
            Map.entry("title", (r, s, a) -> mapped(r, s, a, "title", Chars::titled)),
            Map.entry("capitalize", (r, s, a) -> mapped(r, s, a, "capitalize", Chars::capitalize)),
            Map.entry("swapcase", (r, s, a) -> mapped(r, s, a, "swapcase", Chars::swapCase)),
            Map.entry("find", (r, s, a) -> Value.of(search(s, a, "find", false))),
            Map.entry("rfind", (r, s, a) -> Value.of(search(s, a, "rfind", true))),
            Map.entry("index", (r, s, a) -> found(search(s, a, "index", false))),
            Map.entry("rindex", (r, s, a) -> found(search(s, a, "rindex", true))),
            Map.entry("count", (r, s, a) -> count(s, a)),
            Map.entry("join", (r, s, a) -> join(r, s, a.bind("join", "iterable").need("iterable"))),
            Map.entry("format", BraceFormat::format),
            Map.entry("removeprefix", (r, s, a) -> {
                Str prefix = text(a.bind("removeprefix", "prefix").need("prefix"));
                return s.text().startsWith(prefix.text()) ? s.substring(prefix.text().length(), s.text().length()) : s;
            }),
            Map.entry("removesuffix", (r, s, a) -> {
                Str suffix = text(a.bind("removesuffix", "suffix").need("suffix"));
                return s.text().endsWith(suffix.text()) ? s.substring(0, s.text().length() - suffix.text().length()) : s;
            }),
            Map.entry("center", (r, s, a) -> pad(r, s, a, "center")),
            Map.entry("ljust", (r, s, a) -> pad(r, s, a, "ljust")),
            Map.entry("rjust", (r, s, a) -> pad(r, s, a, "rjust")),
            Map.entry("zfill", StrMethods::zfill),
            Map.entry("expandtabs", StrMethods::expandTabs),
            Map.entry("isspace", (r, s, a) -> all(s, a, "isspace", Chars::isSpace)),
            Map.entry("isalpha", (r, s, a) -> all(s, a, "isalpha", Character::isLetter)),
            Map.entry("isalnum", (r, s, a) -> all(s, a, "isalnum", c -> Character.isLetter(c) || Chars.isNumeric(c))),
            Map.entry("isdigit", (r, s, a) -> all(s, a, "isdigit", Chars::isDigit)),
            Map.entry("isdecimal", (r, s, a) -> all(s, a, "isdecimal", Character::isDigit)),
            Map.entry("isnumeric", (r, s, a) -> all(s, a, "isnumeric", Chars::isNumeric)),
            Map.entry("isascii", (r, s, a) -> Value.of(s.text().chars().allMatch(c -> c < 0x80))),
            Map.entry("isupper", (r, s, a) -> Value.of(isUpper(s.text()))),
            Map.entry("islower", (r, s, a) -> Value.of(isLower(s.text()))),
            Map.entry("istitle", (r, s, a) -> Value.of(s.text().codePoints().anyMatch(Chars::isCased) && s.text().equals(Chars.titled(s.text())))),
            Map.entry("isidentifier", (r, s, a) -> Value.of(isIdentifier(s.text()))));

    /** Python has them; templates have no use for them, and they must not be taken for missing keys. */
    private static final List<String> NOT_HERE = List.of("encode", "maketrans", "translate", "format_map", "isprintable");

    private StrMethods() {}

    static Optional<Value> find(Str self, String name) {
        if (NOT_HERE.contains(name)) throw JinjaException.type("the string method '" + name + "' is not available here");
        Method method = METHODS.get(name);
        return method == null ? Optional.empty() : Access.method(name, (rendering, args) -> method.call(rendering, self, args));
    }

    static Str text(Value value) {
        if (value instanceof Str s) return s;
        if (value instanceof Value.Undefined u) throw u.error();
        throw JinjaException.type("a string is needed, not '" + value.type() + "'");
    }

    private static Value mapped(Rendering rendering, Str s, Args args, String name, UnaryOperator<String> map) {
        args.bind(name);
        return mapped(rendering, s, map);
    }

    /** Maps a whole string, or its foreign and trusted stretches by themselves where that is the same. */
    static Str mapped(Rendering rendering, Str s, UnaryOperator<String> map) {
        rendering.budget().chars(s.text().length());
        String mapped = map.apply(s.text());
        if (mapped.length() != s.text().length() || !s.anyForeign()) return s.become(mapped);
        boolean[] foreign = new boolean[mapped.length()];
        for (int i = 0; i < foreign.length; i++) foreign[i] = s.isForeign(i);
        return Str.mixed(mapped, foreign).asMarkup(s.markup());
    }

    private static Value strip(Str s, Args args, String name, boolean left, boolean right) {
        return strip(s, args.bind(name, "chars").some("chars"), left, right);
    }

    /** @param chars characters to take away; empty: white space */
    static Str strip(Str s, Optional<Value> chars, boolean left, boolean right) {
        String set = chars.map(c -> text(c).text()).orElse("");
        IntPredicate drop = chars.isEmpty() ? Chars::isSpace : c -> set.indexOf(c) >= 0;
        String t = s.text();
        int start = 0;
        int end = t.length();
        while (left && start < end && drop.test(t.codePointAt(start))) start += Character.charCount(t.codePointAt(start));
        while (right && end > start && drop.test(t.codePointBefore(end))) end -= Character.charCount(t.codePointBefore(end));
        return s.substring(start, end);
    }

    private static Value startsOrEnds(Str s, Args args, boolean start) {
        Args.Bound bound = args.bind(start ? "startswith" : "endswith", "prefix", "start", "end");
        Value wanted = bound.need("prefix");
        String t = slice(s, bound);
        if (wanted instanceof Seq tuple && tuple.tuple()) {
            return Value.of(tuple.items().stream().anyMatch(w -> start ? t.startsWith(text(w).text()) : t.endsWith(text(w).text())));
        }
        return Value.of(start ? t.startsWith(text(wanted).text()) : t.endsWith(text(wanted).text()));
    }

    private static String slice(Str s, Args.Bound bound) {
        if (bound.some("start").isEmpty() && bound.some("end").isEmpty()) return s.text();
        int length = s.length();
        int from = Access.clip(bound.integer("start", 0), length);
        int to = Access.clip(bound.integer("end", length), length);
        return from > to ? "" : s.text().substring(s.index(from), s.index(to));
    }

    private static Value replace(Rendering rendering, Str s, Args args) {
        Args.Bound bound = args.bind("replace", "old", "new", "count");
        return replace(rendering, s, text(bound.need("old")), text(bound.need("new")), bound.integer("count", -1));
    }

    /** @param count at most so many; negative: all */
    static Str replace(Rendering rendering, Str s, Str old, Str replacement, int count) {
        Str by = s.markup() ? Operators.escape(rendering, replacement) : replacement;
        StrBuilder out = rendering.builder();
        String t = s.text();
        int copied = 0;
        int left = count < 0 ? Integer.MAX_VALUE : count;
        int at = t.indexOf(old.text());
        while (at >= 0 && left-- > 0) {
            out.append(s, copied, at).append(by);
            copied = at + old.text().length();
            if (old.isEmpty()) {
                if (at == t.length()) break;
                int next = at + Character.charCount(t.codePointAt(at));
                out.append(s, at, left > 0 ? next : t.length());
                copied = left > 0 ? next : t.length();
                at = next;
            } else {
                at = t.indexOf(old.text(), copied);
            }
        }
        return out.append(s, Math.min(copied, t.length()), t.length()).build().asMarkup(s.markup());
    }

    private static int search(Str s, Args args, String name, boolean last) {
        Args.Bound bound = args.bind(name, "sub", "start", "end");
        String wanted = text(bound.need("sub")).text();
        int length = s.length();
        int from = Access.clip(bound.integer("start", 0), length);
        int to = Access.clip(bound.integer("end", length), length);
        if (from > to || bound.integer("start", 0) > length) return -1;
        int start = s.index(from);
        String t = s.text().substring(start, s.index(to));
        int at = last ? t.lastIndexOf(wanted) : t.indexOf(wanted);
        return at < 0 ? -1 : s.codePoints(start + at);
    }

    private static Value found(int index) {
        if (index < 0) throw JinjaException.type("substring not found");
        return Value.of(index);
    }

    private static Value count(Str s, Args args) {
        Args.Bound bound = args.bind("count", "sub", "start", "end");
        String wanted = text(bound.need("sub")).text();
        String t = slice(s, bound);
        if (wanted.isEmpty()) return Value.of(t.codePointCount(0, t.length()) + 1);
        int n = 0;
        for (int at = t.indexOf(wanted); at >= 0; at = t.indexOf(wanted, at + wanted.length())) n++;
        return Value.of(n);
    }

    static Value join(Rendering rendering, Str separator, Value items) {
        StrBuilder out = rendering.builder();
        int i = 0;
        for (Value item : Iterate.list(rendering, items)) {
            if (i > 0) out.append(separator);
            if (!(item instanceof Str s)) throw JinjaException.type("sequence item " + i + ": expected str instance, " + item.type() + " found");
            out.append(separator.markup() ? Operators.escape(rendering, s) : s);
            i++;
        }
        return out.build().asMarkup(separator.markup());
    }

    private static Value pad(Rendering rendering, Str s, Args args, String name) {
        Args.Bound bound = args.bind(name, "width", "fillchar");
        Str fill = bound.optional("fillchar").map(StrMethods::text).orElse(Str.trusted(" "));
        if (fill.length() != 1) throw JinjaException.type("The fill character must be exactly one character long");
        return pad(rendering, s, Numbers.smallInt(bound.need("width")), fill, name);
    }

    static Str pad(Rendering rendering, Str s, int width, Str fill, String name) {
        int missing = Math.max(0, width - s.length());
        // Python's own rounding: the odd one goes left if the width is odd
        int left = name.equals("ljust") ? 0 : name.equals("rjust") ? missing : missing / 2 + (missing & width & 1);
        StrBuilder out = rendering.builder();
        for (int i = 0; i < left; i++) out.append(fill);
        out.append(s);
        for (int i = left; i < missing; i++) out.append(fill);
        return out.build().asMarkup(s.markup());
    }

    private static Value zfill(Rendering rendering, Str s, Args args) {
        int width = Numbers.smallInt(args.bind("zfill", "width").need("width"));
        boolean sign = s.text().startsWith("+") || s.text().startsWith("-");
        StrBuilder out = rendering.builder().append(s, 0, sign ? 1 : 0);
        for (int i = s.length(); i < width; i++) out.append("0");
        return out.append(s, sign ? 1 : 0, s.text().length()).build();
    }

    private static Value expandTabs(Rendering rendering, Str s, Args args) {
        int size = args.bind("expandtabs", "tabsize").integer("tabsize", 8);
        StrBuilder out = rendering.builder();
        int column = 0;
        for (int i = 0; i < s.text().length(); i++) {
            char c = s.text().charAt(i);
            if (c == '\t') {
                int spaces = size > 0 ? size - column % size : 0;
                for (int n = 0; n < spaces; n++) out.append(" ");
                column += spaces;
            } else {
                out.append(s, i, i + 1);
                column = c == '\n' || c == '\r' ? 0 : column + 1;
            }
        }
        return out.build();
    }

    private static Value all(Str s, Args args, String name, IntPredicate test) {
        args.bind(name);
        return Value.of(!s.isEmpty() && s.text().codePoints().allMatch(test));
    }

    static boolean isUpper(String s) {
        return s.codePoints().anyMatch(Chars::isCased) && s.codePoints().noneMatch(c -> Character.isLowerCase(c) || Character.isTitleCase(c));
    }

    static boolean isLower(String s) {
        return s.codePoints().anyMatch(Chars::isCased) && s.codePoints().noneMatch(c -> Character.isUpperCase(c) || Character.isTitleCase(c));
    }

    private static boolean isIdentifier(String s) {
        return !s.isEmpty() && (s.codePointAt(0) == '_' || Character.isUnicodeIdentifierStart(s.codePointAt(0)))
                && s.codePoints().allMatch(c -> c == '_' || Character.isUnicodeIdentifierPart(c) && !Character.isIdentifierIgnorable(c));
    }
}
