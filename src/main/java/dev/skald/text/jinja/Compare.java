package dev.skald.text.jinja;

import dev.skald.text.jinja.Value.Bool;
import dev.skald.text.jinja.Value.DictView;
import dev.skald.text.jinja.Value.Int;
import dev.skald.text.jinja.Value.None;
import dev.skald.text.jinja.Value.Range;
import dev.skald.text.jinja.Value.Real;
import dev.skald.text.jinja.Value.Seq;
import dev.skald.text.jinja.Value.Undefined;
import java.math.BigDecimal;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Truth, equality and order, as Python has them. */
final class Compare {
    /** Values inside values: deeper than any template's data, shallower than the stack. */
    static final int MAX_NESTING = 200;

    private Compare() {}

    static boolean truth(Value value) {
        return switch (value) {
            case Undefined u -> false;
            case None n -> false;
            case Bool b -> b.value();
            case Int i -> i.value().signum() != 0;
            case Real r -> r.value() != 0;
            case Str s -> !s.isEmpty();
            case Seq s -> !s.items().isEmpty();
            case Dict d -> d.size() > 0;
            case Range r -> r.length() > 0;
            case DictView v -> v.dict().size() > 0;
            default -> true;
        };
    }

    static boolean equal(Value a, Value b) {
        return equal(a, b, 0);
    }

    private static boolean equal(Value a, Value b, int depth) {
        if (depth > MAX_NESTING) throw JinjaException.limit("Values are nested more than " + MAX_NESTING + " levels deep");
        if (Numbers.isNumber(a) && Numbers.isNumber(b)) return number(a, b) == 0;
        return switch (a) {
            case Str s -> b instanceof Str t && s.text().equals(t.text());
            case Seq s -> b instanceof Seq t && s.tuple() == t.tuple() && allEqual(s.items(), t.items(), depth);
            case Dict d -> b instanceof Dict e && sameEntries(d, e, depth);
            case Undefined u -> b instanceof Undefined;
            case None n -> b == Value.NONE;
            case Range r -> b instanceof Range q && sameRange(r, q);
            case DictView v -> b instanceof DictView w && sameView(v, w);
            default -> a == b;
        };
    }

    private static boolean allEqual(List<Value> a, List<Value> b, int depth) {
        if (a.size() != b.size()) return false;
        for (int i = 0; i < a.size(); i++) if (!equal(a.get(i), b.get(i), depth + 1)) return false;
        return true;
    }

    private static boolean sameEntries(Dict a, Dict b, int depth) {
        if (a.size() != b.size()) return false;
        for (Dict.Entry entry : a.entries()) {
            Optional<Value> other = b.get(entry.key());
            if (other.isEmpty() || !equal(entry.value(), other.get(), depth + 1)) return false;
        }
        return true;
    }

    private static boolean sameRange(Range a, Range b) {
        int n = a.length();
        return n == b.length() && (n == 0 || a.start() == b.start() && (n == 1 || a.step() == b.step()));
    }

    private static boolean sameView(DictView a, DictView b) {
        if (a.kind() != b.kind() || a.kind() == DictView.Kind.VALUES) return a.dict() == b.dict() && a.kind() == b.kind();
        if (a.kind() == DictView.Kind.ITEMS) return sameEntries(a.dict(), b.dict(), 0);
        Set<Object> keys = new HashSet<>();
        for (Value key : a.dict().keys()) keys.add(Dict.hashed(key));
        return a.dict().size() == b.dict().size() && b.dict().keys().stream().allMatch(key -> keys.contains(Dict.hashed(key)));
    }

    /** @return 2 if one of them is no number at all (NaN) */
    private static int number(Value a, Value b) {
        if (a instanceof Real || b instanceof Real) {
            if (a instanceof Real x && b instanceof Real y) {
                return x.value() == y.value() ? 0 : x.value() < y.value() ? -1 : x.value() > y.value() ? 1 : 2;
            }
            double real = a instanceof Real x ? x.value() : ((Real) b).value();
            int sign = a instanceof Real ? 1 : -1;
            if (Double.isNaN(real)) return 2;
            if (Double.isInfinite(real)) return sign * (real > 0 ? 1 : -1);
            return sign * new BigDecimal(real).compareTo(new BigDecimal(Numbers.whole(a instanceof Real ? b : a).orElseThrow()));
        }
        return Numbers.whole(a).orElseThrow().compareTo(Numbers.whole(b).orElseThrow());
    }

    /** @param op one of < <= > >= */
    static boolean ordered(String op, Value a, Value b) {
        int c = compare(op, a, b, 0);
        if (c == 2) return false;
        return switch (op) {
            case "<" -> c < 0;
            case "<=" -> c <= 0;
            case ">" -> c > 0;
            case ">=" -> c >= 0;
            default -> throw new IllegalArgumentException(op);
        };
    }

    static int compare(Value a, Value b) {
        int c = compare("<", a, b, 0);
        return c == 2 ? 0 : c;
    }

    private static int compare(String op, Value a, Value b, int depth) {
        if (depth > MAX_NESTING) throw JinjaException.limit("Values are nested more than " + MAX_NESTING + " levels deep");
        if (a instanceof Undefined u) throw u.error();
        if (b instanceof Undefined u) throw u.error();
        if (Numbers.isNumber(a) && Numbers.isNumber(b)) return number(a, b);
        if (a instanceof Str s && b instanceof Str t) return codePoints(s.text(), t.text());
        if (a instanceof Seq s && b instanceof Seq t && s.tuple() == t.tuple()) {
            int n = Math.min(s.items().size(), t.items().size());
            for (int i = 0; i < n; i++) {
                if (!equal(s.items().get(i), t.items().get(i), depth + 1)) return compare(op, s.items().get(i), t.items().get(i), depth + 1);
            }
            return Integer.compare(s.items().size(), t.items().size());
        }
        throw JinjaException.type("'" + op + "' not supported between instances of '" + a.type() + "' and '" + b.type() + "'");
    }

    /** Surrogates would sort before U+E000 and up. */
    private static int codePoints(String a, String b) {
        for (int i = 0; i < a.length() && i < b.length(); i++) {
            if (a.charAt(i) == b.charAt(i)) continue;
            if (Character.isSurrogate(a.charAt(i)) != Character.isSurrogate(b.charAt(i))) return Character.isSurrogate(a.charAt(i)) ? 1 : -1;
            return Character.compare(a.charAt(i), b.charAt(i));
        }
        return Integer.signum(a.length() - b.length());
    }

    /** {@code item in container}. */
    static boolean contains(Rendering rendering, Value container, Value item) {
        switch (container) {
            case Str s -> {
                if (!(item instanceof Str t)) throw JinjaException.type("'in <string>' requires string as left operand, not " + item.type());
                return s.text().contains(t.text());
            }
            case Dict d -> {
                return d.get(item).isPresent();
            }
            case DictView v when v.kind() == DictView.Kind.KEYS -> {
                return v.dict().get(item).isPresent();
            }
            default -> {
                var items = Iterate.over(rendering, container, "argument of type '%s' is not iterable");
                while (items.hasNext()) if (equal(items.next(), item)) return true;
                return false;
            }
        }
    }
}
