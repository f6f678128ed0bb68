package dev.skald.text.jinja;

import dev.skald.text.jinja.Value.Bool;
import dev.skald.text.jinja.Value.Callable;
import dev.skald.text.jinja.Value.Int;
import dev.skald.text.jinja.Value.Range;
import dev.skald.text.jinja.Value.Real;
import dev.skald.text.jinja.Value.Seq;
import dev.skald.text.jinja.Value.Undefined;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiPredicate;

/** All tests ({@code value is name(args)}) by name. */
final class Tests {
    interface Test {
        boolean holds(Rendering rendering, Value value, Args args);
    }

    private static final Map<String, Test> ALL = new HashMap<>();

    static {
        bare("defined", (r, v) -> !(v instanceof Undefined));
        bare("undefined", (r, v) -> v instanceof Undefined);
        bare("none", (r, v) -> v == Value.NONE);
        bare("boolean", (r, v) -> v instanceof Bool);
        bare("true", (r, v) -> v instanceof Bool b && b.value());
        bare("false", (r, v) -> v instanceof Bool b && !b.value());
        bare("string", (r, v) -> v instanceof Str);
        bare("number", (r, v) -> Numbers.isNumber(v));
        bare("integer", (r, v) -> v instanceof Int);
        bare("float", (r, v) -> v instanceof Real);
        bare("mapping", (r, v) -> v instanceof Dict);
        bare("sequence", (r, v) -> v instanceof Seq || v instanceof Str || v instanceof Dict || v instanceof Range || v instanceof Undefined);
        bare("iterable", (r, v) -> Iterate.isIterable(v));
        bare("callable", (r, v) -> v instanceof Callable || v instanceof Loop || v instanceof Undefined);
        bare("even", (r, v) -> remainder(r, v, Value.of(2)) == 0);
        bare("odd", (r, v) -> remainder(r, v, Value.of(2)) == 1);
        ALL.put("divisibleby", (r, v, a) -> Compare.equal(Operators.binary(r, "%", v, a.bind("divisibleby", "num").need("num")), Value.of(0)));
        bare("lower", (r, v) -> StrMethods.isLower(Repr.str(r, v).text()));
        bare("upper", (r, v) -> StrMethods.isUpper(Repr.str(r, v).text()));
        bare("escaped", (r, v) -> v instanceof Str s && s.markup());
        ALL.put("in", (r, v, a) -> Compare.contains(r, a.bind("in", "seq").need("seq"), v));
        ALL.put("sameas", (r, v, a) -> same(v, a.bind("sameas", "other").need("other")));
        bare("filter", (r, v) -> v instanceof Str s && Filters.find(s.text()).isPresent());
        bare("test", (r, v) -> v instanceof Str s && find(s.text()).isPresent());
        for (String name : new String[] {"eq", "==", "equalto"}) ALL.put(name, (r, v, a) -> Compare.equal(v, other(a)));
        for (String name : new String[] {"ne", "!="}) ALL.put(name, (r, v, a) -> !Compare.equal(v, other(a)));
        for (String name : new String[] {"lt", "<", "lessthan"}) ALL.put(name, (r, v, a) -> Compare.ordered("<", v, other(a)));
        for (String name : new String[] {"le", "<="}) ALL.put(name, (r, v, a) -> Compare.ordered("<=", v, other(a)));
        for (String name : new String[] {"gt", ">", "greaterthan"}) ALL.put(name, (r, v, a) -> Compare.ordered(">", v, other(a)));
        for (String name : new String[] {"ge", ">="}) ALL.put(name, (r, v, a) -> Compare.ordered(">=", v, other(a)));
    }

    private Tests() {}

    private static void bare(String name, BiPredicate<Rendering, Value> body) {
        ALL.put(name, (rendering, value, args) -> {
            args.bind(name);
            return body.test(rendering, value);
        });
    }

    static Optional<Test> find(String name) {
        return Optional.ofNullable(ALL.get(name));
    }

    private static Value other(Args args) {
        return args.bind("a comparison", "other").need("other");
    }

    private static int remainder(Rendering rendering, Value value, Value by) {
        Value remainder = Operators.binary(rendering, "%", value, by);
        if (!Numbers.isNumber(remainder)) throw JinjaException.type("a number is needed, not " + value.type());
        double r = Numbers.real(remainder);
        return r == 0 ? 0 : r == 1 ? 1 : -1;
    }

    /** Identity, as far as a template can see it: numbers and strings that are equal count as one. */
    private static boolean same(Value a, Value b) {
        if (a instanceof Str s && b instanceof Str t) return s.text().equals(t.text());
        if (a instanceof Int || a instanceof Bool || a instanceof Real) return a.type().equals(b.type()) && Compare.equal(a, b);
        return a == b;
    }
}
