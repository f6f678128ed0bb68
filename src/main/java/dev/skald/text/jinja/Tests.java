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

/** All tests ({@code value is name(args)}) by name. */
final class Tests {
    interface Test {
        boolean holds(Rendering rendering, Value value, Args args);
    }

    private static final Map<String, Test> ALL = new HashMap<>();

    static {
        ALL.put("defined", (r, v, a) -> !(v instanceof Undefined));
        ALL.put("undefined", (r, v, a) -> v instanceof Undefined);
        ALL.put("none", (r, v, a) -> v == Value.NONE);
        ALL.put("boolean", (r, v, a) -> v instanceof Bool);
        ALL.put("true", (r, v, a) -> v instanceof Bool b && b.value());
        ALL.put("false", (r, v, a) -> v instanceof Bool b && !b.value());
        ALL.put("string", (r, v, a) -> v instanceof Str);
        ALL.put("number", (r, v, a) -> Numbers.isNumber(v));
        ALL.put("integer", (r, v, a) -> v instanceof Int);
        ALL.put("float", (r, v, a) -> v instanceof Real);
        ALL.put("mapping", (r, v, a) -> v instanceof Dict);
        ALL.put("sequence", (r, v, a) -> v instanceof Seq || v instanceof Str || v instanceof Dict || v instanceof Range || v instanceof Undefined);
        ALL.put("iterable", (r, v, a) -> Iterate.isIterable(v));
        ALL.put("callable", (r, v, a) -> v instanceof Callable || v instanceof Loop || v instanceof Undefined);
        ALL.put("even", (r, v, a) -> remainder(r, v, Value.of(2)) == 0);
        ALL.put("odd", (r, v, a) -> remainder(r, v, Value.of(2)) == 1);
        ALL.put("divisibleby", (r, v, a) -> Compare.equal(Operators.binary(r, "%", v, a.bind("divisibleby", "num").need("num")), Value.of(0)));
        ALL.put("lower", (r, v, a) -> StrMethods.isLower(Repr.str(r, v).text()));
        ALL.put("upper", (r, v, a) -> StrMethods.isUpper(Repr.str(r, v).text()));
        ALL.put("escaped", (r, v, a) -> v instanceof Str s && s.markup());
        ALL.put("in", (r, v, a) -> Compare.contains(r, a.bind("in", "seq").need("seq"), v));
        ALL.put("sameas", (r, v, a) -> same(v, a.bind("sameas", "other").need("other")));
        ALL.put("filter", (r, v, a) -> v instanceof Str s && Filters.find(s.text()).isPresent());
        ALL.put("test", (r, v, a) -> v instanceof Str s && find(s.text()).isPresent());
        for (String name : new String[] {"eq", "==", "equalto"}) ALL.put(name, (r, v, a) -> Compare.equal(v, other(a)));
        for (String name : new String[] {"ne", "!="}) ALL.put(name, (r, v, a) -> !Compare.equal(v, other(a)));
        for (String name : new String[] {"lt", "<", "lessthan"}) ALL.put(name, (r, v, a) -> Compare.ordered("<", v, other(a)));
        for (String name : new String[] {"le", "<="}) ALL.put(name, (r, v, a) -> Compare.ordered("<=", v, other(a)));
        for (String name : new String[] {"gt", ">", "greaterthan"}) ALL.put(name, (r, v, a) -> Compare.ordered(">", v, other(a)));
        for (String name : new String[] {"ge", ">="}) ALL.put(name, (r, v, a) -> Compare.ordered(">=", v, other(a)));
    }

    private Tests() {}

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
