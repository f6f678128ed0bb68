package dev.skald.text.jinja;

import dev.skald.text.jinja.Value.Bool;
import dev.skald.text.jinja.Value.Callable;
import dev.skald.text.jinja.Value.DictView;
import dev.skald.text.jinja.Value.Generator;
import dev.skald.text.jinja.Value.Int;
import dev.skald.text.jinja.Value.None;
import dev.skald.text.jinja.Value.Range;
import dev.skald.text.jinja.Value.Real;
import dev.skald.text.jinja.Value.Seq;
import dev.skald.text.jinja.Value.Undefined;
import java.util.Iterator;
import java.util.List;

/** Python's str() and repr(). */
final class Repr {
    private Repr() {}

    /** str(): what printing shows. Foreign characters stay foreign; of a list or dictionary that holds some, all are. */
    static Str str(Rendering rendering, Value value) {
        return switch (value) {
            case Str s -> s;
            case Undefined u -> Value.EMPTY;
            case Generator g -> throw JinjaException.type("a generator has no text; | list makes a list of it");
            default -> {
                StringBuilder out = new StringBuilder();
                boolean foreign = write(rendering, value, out, 0);
                yield foreign ? Str.foreign(out.toString()) : Str.trusted(out.toString());
            }
        };
    }

    static Str repr(Rendering rendering, Value value) {
        if (!(value instanceof Str s)) return value instanceof Undefined ? Str.trusted("Undefined") : str(rendering, value);
        String quoted = quote(s.text());
        rendering.budget().chars(quoted.length());
        return s.become(quoted);
    }

    /** @return whether anything foreign was written */
    private static boolean write(Rendering rendering, Value value, StringBuilder out, int depth) {
        if (depth > Compare.MAX_NESTING) throw JinjaException.limit("Values are nested more than " + Compare.MAX_NESTING + " levels deep");
        rendering.budget().step();
        int before = out.length();
        boolean foreign = switch (value) {
            case Str s -> {
                out.append(quote(s.text()));
                yield s.anyForeign();
            }
            case Seq s -> {
                out.append(s.tuple() ? '(' : '[');
                boolean any = all(rendering, s.items(), out, depth);
                if (s.tuple() && s.items().size() == 1) out.append(',');
                out.append(s.tuple() ? ')' : ']');
                yield any;
            }
            case Dict d -> {
                boolean any = false;
                out.append('{');
                Iterator<Dict.Entry> entries = d.entries().iterator();
                while (entries.hasNext()) {
                    Dict.Entry entry = entries.next();
                    any |= write(rendering, entry.key(), out, depth + 1);
                    out.append(": ");
                    any |= write(rendering, entry.value(), out, depth + 1);
                    if (entries.hasNext()) out.append(", ");
                }
                out.append('}');
                yield any;
            }
            case DictView v -> {
                out.append(v.type()).append("([");
                boolean any = all(rendering, Iterate.items(v), out, depth);
                out.append("])");
                yield any;
            }
            case Namespace n -> {
                Dict attributes = new Dict();
                n.attributes.forEach(attributes::put);
                out.append("<Namespace ");
                boolean any = write(rendering, attributes, out, depth + 1);
                out.append('>');
                yield any;
            }
            default -> {
                out.append(plain(value));
                yield false;
            }
        };
        // inner values have paid for their own part: a little is paid twice
        if (!(value instanceof Seq) && !(value instanceof Dict)) rendering.budget().chars(out.length() - before);
        return foreign;
    }

    private static boolean all(Rendering rendering, List<Value> items, StringBuilder out, int depth) {
        boolean any = false;
        for (int i = 0; i < items.size(); i++) {
            if (i > 0) out.append(", ");
            any |= write(rendering, items.get(i), out, depth + 1);
        }
        return any;
    }

    private static String plain(Value value) {
        return switch (value) {
            case Bool b -> b.value() ? "True" : "False";
            case Int i -> i.value().toString();
            case Real r -> Numbers.format(r.value());
            case None n -> "None";
            case Undefined u -> "Undefined";
            case Range r -> "range(" + r.start() + ", " + r.stop() + (r.step() == 1 ? "" : ", " + r.step()) + ")";
            case Loop l -> "<LoopContext " + (l.index0() + 1) + "/" + l.length() + ">";
            case Macro m -> "<Macro " + quote(m.name()) + ">";
            case Callable c -> throw JinjaException.type("the function " + c.name() + " has no text");
            default -> throw JinjaException.type("a " + value.type() + " has no text");
        };
    }

    /** Python's repr() of a string. */
    static String quote(String s) {
        char quote = s.indexOf('\'') >= 0 && s.indexOf('"') < 0 ? '"' : '\'';
        StringBuilder out = new StringBuilder(s.length() + 2).append(quote);
        s.codePoints().forEach(c -> {
            switch (c) {
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\\' -> out.append("\\\\");
                default -> {
                    if (c == quote) out.append('\\').append(quote);
                    else if (Chars.isPrintable(c)) out.appendCodePoint(c);
                    else if (c < 0x100) out.append(String.format("\\x%02x", c));
                    else if (c < 0x10000) out.append(String.format("\\u%04x", c));
                    else out.append(String.format("\\U%08x", c));
                }
            }
        });
        return out.append(quote).toString();
    }
}
