package dev.skald.text.jinja;

import dev.skald.text.jinja.Value.Bool;
import dev.skald.text.jinja.Value.Int;
import dev.skald.text.jinja.Value.None;
import dev.skald.text.jinja.Value.Real;
import dev.skald.text.jinja.Value.Seq;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Python's json.dumps, as chat templates call it: no HTML escapes, and characters beyond ASCII as they are unless asked otherwise. */
final class Json {
    private final Rendering rendering;
    private final boolean ascii;
    private final String indent;
    private final String itemSeparator;
    private final String keySeparator;
    private final boolean sortKeys;
    private final StringBuilder out = new StringBuilder();
    private int paid;
    private boolean foreign;

    private Json(Rendering rendering, Args.Bound options) {
        this.rendering = rendering;
        this.ascii = options.truth("ensure_ascii", false);
        this.indent = options.some("indent").map(Json::indent).orElse(null);
        this.sortKeys = options.truth("sort_keys", false);
        List<Value> separators = options.some("separators").map(s -> Iterate.list(rendering, s)).orElse(List.of());
        if (!separators.isEmpty() && separators.size() != 2) throw JinjaException.type("separators must be a pair");
        this.itemSeparator = separators.isEmpty() ? (indent == null ? ", " : ",") : StrMethods.text(separators.get(0)).text();
        this.keySeparator = separators.isEmpty() ? ": " : StrMethods.text(separators.get(1)).text();
    }

    /** The filter: {@code value | tojson(ensure_ascii, indent, separators, sort_keys)}. */
    static Str filter(Rendering rendering, Value value, Args args) {
        Json json = new Json(rendering, args.bind("tojson", "ensure_ascii", "indent", "separators", "sort_keys"));
        json.write(value, 0);
        json.pay();
        String text = json.out.toString();
        return json.foreign ? Str.foreign(text) : Str.trusted(text);
    }

    private static String indent(Value value) {
        return value instanceof Str s ? s.text() : " ".repeat(Math.clamp(Numbers.smallInt(value), 0, 64));
    }

    private void pay() {
        rendering.budget().chars(out.length() - paid);
        paid = out.length();
    }

    private void write(Value value, int depth) {
        if (depth > Compare.MAX_NESTING) throw JinjaException.limit("Values are nested more than " + Compare.MAX_NESTING + " levels deep");
        rendering.budget().step();
        switch (value) {
            case Str s -> {
                foreign |= s.anyForeign();
                quote(s.text());
            }
            case Bool b -> out.append(b.value());
            case None n -> out.append("null");
            case Int i -> out.append(i.value());
            case Real r -> out.append(real(r.value()));
            case Seq s -> list(s.items(), depth);
            case Dict d -> object(d, depth);
            case Value.Undefined u when u.security() -> throw u.error();
            default -> throw JinjaException.type("Object of type " + value.type() + " is not JSON serializable");
        }
        pay();
    }

    private static String real(double value) {
        if (Double.isNaN(value)) return "NaN";
        if (Double.isInfinite(value)) return value > 0 ? "Infinity" : "-Infinity";
        return Numbers.format(value);
    }

    private void list(List<Value> items, int depth) {
        if (items.isEmpty()) {
            out.append("[]");
            return;
        }
        out.append('[');
        for (int i = 0; i < items.size(); i++) {
            if (i > 0) out.append(itemSeparator);
            newLine(depth + 1);
            write(items.get(i), depth + 1);
        }
        newLine(depth);
        out.append(']');
    }

    private void object(Dict dict, int depth) {
        if (dict.size() == 0) {
            out.append("{}");
            return;
        }
        List<Dict.Entry> entries = new ArrayList<>(dict.entries());
        if (sortKeys) entries.sort(Comparator.comparing(Dict.Entry::key, Compare::compare));
        out.append('{');
        boolean first = true;
        for (Dict.Entry entry : entries) {
            if (!first) out.append(itemSeparator);
            first = false;
            newLine(depth + 1);
            quote(key(entry.key()));
            out.append(keySeparator);
            write(entry.value(), depth + 1);
        }
        newLine(depth);
        out.append('}');
    }

    private String key(Value key) {
        return switch (key) {
            case Str s -> {
                foreign |= s.anyForeign();
                yield s.text();
            }
            case Bool b -> String.valueOf(b.value());
            case None n -> "null";
            case Int i -> i.value().toString();
            case Real r -> real(r.value());
            default -> throw JinjaException.type("keys must be str, int, float, bool or None, not " + key.type());
        };
    }

    private void newLine(int depth) {
        if (indent == null) return;
        out.append('\n');
        for (int i = 0; i < depth; i++) out.append(indent);
    }

    private void quote(String s) {
        out.append('"');
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\b' -> out.append("\\b");
                case '\f' -> out.append("\\f");
                default -> {
                    if (c < 0x20 || ascii && c > 0x7E) out.append(String.format("\\u%04x", (int) c));
                    else out.append(c);
                }
            }
        }
        out.append('"');
    }
}
