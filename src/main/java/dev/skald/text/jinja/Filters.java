package dev.skald.text.jinja;

import dev.skald.text.jinja.Value.Int;
import dev.skald.text.jinja.Value.Real;
import dev.skald.text.jinja.Value.Seq;
import dev.skald.text.jinja.Value.Undefined;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;

/** All filters by name, and those for single values. */
final class Filters {
    private static final Map<String, Filter> ALL = new HashMap<>();

    static {
        ALL.put("abs", (r, v, a) -> absolute(v, a));
        ALL.put("attr", (r, v, a) -> attr(r, v, a.bind("attr", "name").need("name")));
        ALL.put("default", Filters::orDefault);
        ALL.put("d", Filters::orDefault);
        ALL.put("int", (r, v, a) -> toInt(v, a));
        ALL.put("float", (r, v, a) -> toReal(v, a));
        ALL.put("round", (r, v, a) -> round(v, a));
        ALL.put("string", bare("string", Repr::str));
        ALL.put("tojson", Json::filter);
        ALL.put("items", bare("items", (r, v) -> items(v)));
        ALL.put("dictsort", Filters::dictSort);
        ALL.putAll(TextFilters.ALL);
        ALL.putAll(SequenceFilters.ALL);
    }

    private Filters() {}

    /** A filter without arguments. */
    static Filter bare(String name, BiFunction<Rendering, Value, Value> body) {
        return (rendering, value, args) -> {
            args.bind(name);
            return body.apply(rendering, value);
        };
    }

    static Optional<Filter> find(String name) {
        return Optional.ofNullable(ALL.get(name));
    }

    private static Value absolute(Value value, Args args) {
        args.bind("abs");
        if (value instanceof Real r) return new Real(Math.abs(r.value()));
        return new Int(Numbers.whole(value).orElseThrow(() -> JinjaException.type("bad operand type for abs(): '" + value.type() + "'")).abs());
    }

    private static Value attr(Rendering rendering, Value value, Value name) {
        String text = Repr.str(rendering, name).text();
        if (value instanceof Undefined u && !text.startsWith("__")) throw u.error();
        return Access.ownAttribute(rendering, value, text).orElseGet(() -> Access.missing(value, text));
    }

    private static Value orDefault(Rendering rendering, Value value, Args args) {
        Args.Bound bound = args.bind("default", "default_value", "boolean");
        boolean missing = value instanceof Undefined || bound.truth("boolean", false) && !Compare.truth(value);
        return missing ? bound.optional("default_value").orElse(Value.EMPTY) : value;
    }

    private static Value toInt(Value value, Args args) {
        Args.Bound bound = args.bind("int", "default", "base");
        Value otherwise = bound.optional("default").orElse(Value.of(0));
        return switch (value) {
            case Undefined u -> throw u.error();
            case Str s -> {
                Optional<BigInteger> whole = Numbers.parseInt(s.text(), bound.integer("base", 10));
                if (whole.isPresent()) yield new Int(whole.get());
                Optional<Double> real = Numbers.parseReal(s.text());
                yield real.isEmpty() || real.get().isNaN() || real.get().isInfinite() ? otherwise : new Int(truncated(real.get()));
            }
            case Real r -> Double.isNaN(r.value()) || Double.isInfinite(r.value()) ? otherwise : new Int(truncated(r.value()));
            default -> Numbers.whole(value).<Value>map(Int::new).orElse(otherwise);
        };
    }

    static BigInteger truncated(double value) {
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            throw JinjaException.type("cannot convert float " + Numbers.format(value) + " to integer");
        }
        return new java.math.BigDecimal(value).toBigInteger();
    }

    private static Value toReal(Value value, Args args) {
        Value otherwise = args.bind("float", "default").optional("default").orElse(new Real(0));
        return switch (value) {
            case Undefined u -> throw u.error();
            case Str s -> Numbers.parseReal(s.text()).<Value>map(Real::new).orElse(otherwise);
            default -> Numbers.isNumber(value) ? new Real(Numbers.real(value)) : otherwise;
        };
    }

    private static Value round(Value value, Args args) {
        Args.Bound bound = args.bind("round", "precision", "method");
        if (value instanceof Undefined u) throw u.error();
        if (!Numbers.isNumber(value)) throw JinjaException.type("type " + value.type() + " doesn't define __round__ method");
        int digits = bound.integer("precision", 0);
        String method = bound.optional("method").map(m -> StrMethods.text(m).text()).orElse("common");
        switch (method) {
            case "common" -> {
                if (value instanceof Real r) return new Real(Numbers.round(r.value(), digits, RoundingMode.HALF_EVEN));
                BigInteger whole = Numbers.whole(value).orElseThrow();
                if (digits >= 0) return new Int(whole);
                return new Int(new java.math.BigDecimal(whole).setScale(Math.max(digits, -2000), RoundingMode.HALF_EVEN).toBigInteger());
            }
            case "ceil", "floor" -> {
                // as Jinja computes it, with the floating-point errors that this has
                double scale = Math.pow(10, digits);
                double scaled = Numbers.real(value) * scale;
                if (Double.isNaN(scaled) || Double.isInfinite(scaled)) throw JinjaException.type("cannot convert float to integer");
                return new Real((method.equals("ceil") ? Math.ceil(scaled) : Math.floor(scaled)) / scale);
            }
            default -> throw JinjaException.type("method must be common, ceil or floor");
        }
    }

    private static Value items(Value value) {
        if (value instanceof Undefined) return new Value.Generator(List.<Value>of().iterator());
        if (!(value instanceof Dict d)) throw JinjaException.type("Can only get item pairs from a mapping.");
        return new Value.Generator(d.items().iterator());
    }

    private static Value dictSort(Rendering rendering, Value value, Args args) {
        Args.Bound bound = args.bind("dictsort", "case_sensitive", "by", "reverse");
        String by = bound.optional("by").map(b -> StrMethods.text(b).text()).orElse("key");
        if (!by.equals("key") && !by.equals("value")) throw JinjaException.type("You can only sort by either \"key\" or \"value\"");
        if (value instanceof Undefined u) throw u.error();
        if (!(value instanceof Dict d)) throw JinjaException.type("'" + value.type() + "' object has no attribute 'items'");
        boolean sensitive = bound.truth("case_sensitive", false);
        List<Value> sorted = SequenceFilters.sorted(rendering, d.items(), bound.truth("reverse", false), pair -> {
            Value part = ((Seq) pair).items().get(by.equals("key") ? 0 : 1);
            return sensitive ? part : SequenceFilters.ignoreCase(part);
        });
        return Seq.list(sorted);
    }
}
