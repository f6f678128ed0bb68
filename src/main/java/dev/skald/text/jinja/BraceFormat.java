package dev.skald.text.jinja;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code "…{}…{name.attribute[0]!r:>8}…".format(…)}, with the sandbox's look at attributes. */
final class BraceFormat {
    private static final Pattern FIELD = Pattern.compile("([^.\\[!:]*)((?:\\.[^.\\[!:]+|\\[[^\\]]+\\])*)(?:!(.))?(?::(.*))?", Pattern.DOTALL);
    private static final Pattern STEP = Pattern.compile("\\.([^.\\[]+)|\\[([^\\]]+)\\]");

    private final Rendering rendering;
    private final Str format;
    private final Args args;
    private int automatic;

    private BraceFormat(Rendering rendering, Str format, Args args) {
        this.rendering = rendering;
        this.format = format;
        this.args = args;
    }

    static Str format(Rendering rendering, Str format, Args args) {
        return new BraceFormat(rendering, format, args).run();
    }

    private Str run() {
        StrBuilder out = rendering.builder();
        String t = format.text();
        for (int i = 0; i < t.length(); i++) {
            char c = t.charAt(i);
            if (c != '{' && c != '}') {
                out.append(format, i, i + 1);
            } else if (i + 1 < t.length() && t.charAt(i + 1) == c) {
                out.append(format, i, i + 1);
                i++;
            } else if (c == '}') {
                throw JinjaException.type("Single '}' encountered in format string");
            } else {
                int close = close(t, i);
                out.append(field(t.substring(i + 1, close)));
                i = close;
            }
        }
        return out.build().asMarkup(format.markup());
    }

    private static int close(String t, int open) {
        int depth = 0;
        for (int i = open; i < t.length(); i++) {
            if (t.charAt(i) == '{') depth++;
            if (t.charAt(i) == '}' && --depth == 0) return i;
        }
        throw JinjaException.type("Single '{' encountered in format string");
    }

    private Str field(String field) {
        Matcher m = FIELD.matcher(field);
        if (!m.matches()) throw JinjaException.type("bad field in format string: " + field);
        Value value = steps(argument(m.group(1)), m.group(2));
        if (m.group(3) != null) {
            value = switch (m.group(3)) {
                case "s" -> Repr.str(rendering, value);
                case "r", "a" -> Repr.repr(rendering, value);
                default -> throw JinjaException.type("Unknown conversion specifier " + m.group(3));
            };
        }
        String spec = m.group(4) == null ? "" : nested(m.group(4));
        if (value instanceof Str s) return FormatSpec.parse(spec).text(rendering, format.markup() ? Operators.escape(rendering, s) : s);
        if (value instanceof Value.Bool && spec.isEmpty()) return Repr.str(rendering, value);
        if (Numbers.isNumber(value)) return FormatSpec.parse(spec).number(rendering, value);
        if (!spec.isEmpty()) throw JinjaException.type("unsupported format string passed to " + value.type() + ".__format__");
        return Repr.str(rendering, value);
    }

    /** A spec may hold fields itself: {@code {:>{width}}}. */
    private String nested(String spec) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < spec.length(); i++) {
            if (spec.charAt(i) != '{') {
                out.append(spec.charAt(i));
                continue;
            }
            int close = spec.indexOf('}', i);
            if (close < 0) throw JinjaException.type("expected '}' before end of string");
            out.append(Repr.str(rendering, argument(spec.substring(i + 1, close))));
            i = close;
        }
        return out.toString();
    }

    private Value argument(String name) {
        if (name.isEmpty()) return positional(automatic++);
        if (name.chars().allMatch(Character::isDigit)) return positional(FormatSpec.number(name, 0));
        Value value = args.named().get(name);
        if (value == null) throw JinjaException.type("no argument " + Repr.quote(name));
        return value;
    }

    private Value positional(int index) {
        if (index >= args.positional().size()) throw JinjaException.type("Replacement index " + index + " out of range for positional args tuple");
        return args.positional().get(index);
    }

    private Value steps(Value value, String steps) {
        Matcher m = STEP.matcher(steps);
        while (m.find()) {
            if (m.group(1) != null) {
                value = Access.attribute(rendering, value, m.group(1));
            } else {
                String key = m.group(2);
                boolean number = key.chars().allMatch(Character::isDigit);
                value = Access.item(rendering, value, number ? Value.of(FormatSpec.number(key, 0)) : Str.trusted(key));
            }
        }
        return value;
    }
}
