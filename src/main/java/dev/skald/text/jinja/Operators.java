package dev.skald.text.jinja;

import dev.skald.text.jinja.Value.Int;
import dev.skald.text.jinja.Value.Real;
import dev.skald.text.jinja.Value.Seq;
import dev.skald.text.jinja.Value.Undefined;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The operators with two values, and the signs. */
final class Operators {
    private Operators() {}

    /** @param op one of + - * / // % ** */
    static Value binary(Rendering rendering, String op, Value left, Value right) {
        if (op.equals("%") && left instanceof Str format) return PercentFormat.format(rendering, format, right);
        if (left instanceof Undefined u) throw u.error();
        if (right instanceof Undefined u) throw u.error();
        if (Numbers.isNumber(left) && Numbers.isNumber(right)) return Numbers.compute(op, left, right);
        if (op.equals("+")) {
            if (left instanceof Str a && right instanceof Str b) return plus(rendering, a, b);
            if (left instanceof Seq a && right instanceof Seq b && a.tuple() == b.tuple()) return plus(rendering, a, b);
        }
        if (op.equals("*")) {
            Optional<Value> repeated = Numbers.whole(right).map(n -> repeat(rendering, left, n));
            if (repeated.isEmpty()) repeated = Numbers.whole(left).map(n -> repeat(rendering, right, n));
            if (repeated.isPresent()) return repeated.get();
        }
        if (op.equals("+") && left instanceof Str) throw JinjaException.type("can only concatenate str (not \"" + right.type() + "\") to str");
        if (op.equals("+") && left instanceof Seq s) {
            throw JinjaException.type("can only concatenate " + s.type() + " (not \"" + right.type() + "\") to " + s.type());
        }
        String name = op.equals("**") ? "** or pow()" : op;
        throw JinjaException.type("unsupported operand type(s) for " + name + ": '" + left.type() + "' and '" + right.type() + "'");
    }

    private static Value plus(Rendering rendering, Str a, Str b) {
        if (a.markup() != b.markup()) {
            return rendering.builder().append(escape(rendering, a)).append(escape(rendering, b)).build().asMarkup(true);
        }
        return rendering.builder().append(a).append(b).build().asMarkup(a.markup());
    }

    private static Value plus(Rendering rendering, Seq a, Seq b) {
        rendering.budget().steps((long) a.items().size() + b.items().size());
        List<Value> all = new ArrayList<>(a.items());
        all.addAll(b.items());
        return new Seq(all, a.tuple(), List.of());
    }

    private static Value repeat(Rendering rendering, Value value, BigInteger times) {
        int n = times.signum() <= 0 ? 0 : times.bitLength() > 31 ? Integer.MAX_VALUE : times.intValue();
        return switch (value) {
            case Str s -> {
                StrBuilder out = rendering.builder();
                if (!s.isEmpty()) for (int i = 0; i < n; i++) out.append(s);
                yield out.build().asMarkup(s.markup());
            }
            case Seq s -> {
                rendering.budget().steps((long) n * s.items().size());
                List<Value> all = new ArrayList<>();
                if (!s.items().isEmpty()) for (int i = 0; i < n; i++) all.addAll(s.items());
                yield new Seq(all, s.tuple(), List.of());
            }
            default -> throw JinjaException.type("unsupported operand type(s) for *: '" + value.type() + "' and 'int'");
        };
    }

    /** {@code ~}: the texts of all, one after the other. */
    static Value concat(Rendering rendering, List<Value> values) {
        StrBuilder out = rendering.builder();
        for (Value value : values) out.append(Repr.str(rendering, value));
        return out.build();
    }

    /** HTML's special characters become entities, unless the text is markup already. */
    static Str escape(Rendering rendering, Str s) {
        if (s.markup()) return s;
        StrBuilder out = rendering.builder();
        int copied = 0;
        for (int i = 0; i < s.text().length(); i++) {
            String entity = switch (s.text().charAt(i)) {
                case '&' -> "&amp;";
                case '<' -> "&lt;";
                case '>' -> "&gt;";
                case '"' -> "&#34;";
                case '\'' -> "&#39;";
                default -> "";
            };
            if (entity.isEmpty()) continue;
            out.append(s, copied, i);
            out.append(s.isForeign(i) ? Str.foreign(entity) : Str.trusted(entity));
            copied = i + 1;
        }
        return out.append(s, copied, s.text().length()).build().asMarkup(true);
    }

    static Value negative(Value value) {
        if (value instanceof Undefined u) throw u.error();
        if (value instanceof Real r) return new Real(-r.value());
        return new Int(Numbers.whole(value).orElseThrow(() -> JinjaException.type("bad operand type for unary -: '" + value.type() + "'")).negate());
    }

    static Value positive(Value value) {
        if (value instanceof Undefined u) throw u.error();
        if (value instanceof Real) return value;
        return new Int(Numbers.whole(value).orElseThrow(() -> JinjaException.type("bad operand type for unary +: '" + value.type() + "'")));
    }
}
