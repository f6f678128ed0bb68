package dev.skald.text.jinja;

import dev.skald.text.jinja.Access.Function;
import dev.skald.text.jinja.Value.Range;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

/** The functions that every template may call. */
final class Globals {
    static final Map<String, Value> ALL = new HashMap<>();

    static {
        add("range", Globals::range);
        add("dict", (r, a) -> dict(r, a));
        add("namespace", (r, a) -> {
            Namespace namespace = new Namespace();
            for (Dict.Entry entry : dict(r, a).entries()) namespace.attributes.put(StrMethods.text(entry.key()).text(), entry.value());
            return namespace;
        });
        add("raise_exception", (r, a) -> {
            Value message = a.bind("raise_exception", "message").need("message");
            throw new JinjaException(JinjaException.Kind.RAISED, Repr.str(r, message).text());
        });
        add("strftime_now", (r, a) -> {
            String format = StrMethods.text(a.bind("strftime_now", "format").need("format")).text();
            return Str.trusted(Strftime.format(java.time.ZonedDateTime.now(r.clock()), format));
        });
    }

    private Globals() {}

    private static void add(String name, BiFunction<Rendering, Args, Value> body) {
        ALL.put(name, new Function(name, body));
    }

    private static Value range(Rendering rendering, Args args) {
        List<Value> given = args.bind("range", "start", "stop", "step").optional("start").isEmpty() ? List.of() : args.positional();
        if (given.isEmpty()) throw JinjaException.type("range expected at least 1 argument, got 0");
        long first = Numbers.smallInt(given.get(0));
        Range range = switch (given.size()) {
            case 1 -> new Range(0, first, 1);
            case 2 -> new Range(first, Numbers.smallInt(given.get(1)), 1);
            default -> new Range(first, Numbers.smallInt(given.get(1)), Numbers.smallInt(given.get(2)));
        };
        if (range.step() == 0) throw JinjaException.type("range() arg 3 must not be zero");
        if (range.length() > Range.MAX_LENGTH) {
            throw JinjaException.limit("Range too big. The sandbox blocks ranges larger than MAX_RANGE (" + Range.MAX_LENGTH + ").");
        }
        return range;
    }

    private static Dict dict(Rendering rendering, Args args) {
        Dict dict = new Dict();
        if (args.positional().size() > 1) throw JinjaException.type("dict expected at most 1 argument, got " + args.positional().size());
        if (!args.positional().isEmpty()) {
            Value from = args.positional().getFirst();
            List<Value> pairs = from instanceof Dict d ? d.items() : Iterate.list(rendering, from);
            for (Value pair : pairs) {
                List<Value> parts = Iterate.list(rendering, pair);
                if (parts.size() != 2) throw JinjaException.type("dictionary update sequence element has length " + parts.size() + "; 2 is required");
                dict.put(parts.get(0), parts.get(1));
            }
        }
        args.named().forEach(dict::put);
        return dict;
    }
}
