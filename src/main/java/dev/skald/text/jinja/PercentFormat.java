package dev.skald.text.jinja;

import dev.skald.text.jinja.Value.Real;
import dev.skald.text.jinja.Value.Seq;
import java.math.BigInteger;

/** {@code "…%s…" % values}. */
final class PercentFormat {
    private final Rendering rendering;
    private final Str format;
    private final Value values;
    private int at;
    private int used;

    private PercentFormat(Rendering rendering, Str format, Value values) {
        this.rendering = rendering;
        this.format = format;
        this.values = values;
    }

    static Str format(Rendering rendering, Str format, Value values) {
        return new PercentFormat(rendering, format, values).run();
    }

    private Str run() {
        StrBuilder out = rendering.builder();
        String t = format.text();
        int copied = 0;
        while ((at = t.indexOf('%', copied)) >= 0) {
            out.append(format, copied, at);
            at++;
            out.append(conversion());
            copied = at;
        }
        out.append(format, copied, t.length());
        if (used < positional() && !(values instanceof Dict)) throw JinjaException.type("not all arguments converted during string formatting");
        return out.build().asMarkup(format.markup());
    }

    private int positional() {
        return values instanceof Seq s && s.tuple() ? s.items().size() : 1;
    }

    private Str conversion() {
        Value value = null;
        if (peek() == '(') {
            int close = format.text().indexOf(')', at);
            if (close < 0) throw JinjaException.type("incomplete format key");
            if (!(values instanceof Dict dict)) throw JinjaException.type("format requires a mapping");
            String key = format.text().substring(at + 1, close);
            value = dict.get(key).orElseThrow(() -> JinjaException.type("no key " + Repr.quote(key)));
            at = close + 1;
        }
        String flags = "";
        while ("#0- +".indexOf(peek()) >= 0) flags += next();
        int width = size();
        int precision = -1;
        if (peek() == '.') {
            at++;
            precision = Math.max(0, size());
        }
        while ("hlL".indexOf(peek()) >= 0) at++;
        char type = next();
        if (type == '%') return Str.trusted("%");
        boolean left = flags.contains("-") || width < 0;
        char sign = flags.contains("+") ? '+' : flags.contains(" ") ? ' ' : '-';
        boolean zeros = flags.contains("0") && !left;
        return write(value == null ? take() : value, type, new FormatSpec(zeros ? "0" : " ", zeros ? '=' : left ? '<' : '>', sign,
                flags.contains("#"), Math.abs(width), (char) 0, precision, type));
    }

    private Str write(Value value, char type, FormatSpec spec) {
        switch (type) {
            case 's', 'r', 'a' -> {
                Str text = type == 's' ? Repr.str(rendering, value) : Repr.repr(rendering, value);
                if (format.markup()) text = Operators.escape(rendering, text);
                return texts(spec, spec.precision()).text(rendering, text);
            }
            case 'c' -> {
                Str text = value instanceof Str s && s.length() == 1 ? s : Str.trusted(Character.toString(Numbers.smallInt(value)));
                return texts(spec, -1).text(rendering, text);
            }
            case 'd', 'i', 'u', 'x', 'X', 'o' -> {
                if (!Numbers.isNumber(value)) throw JinjaException.type("%" + type + " format: a number is required, not " + value.type());
                BigInteger n = value instanceof Real r && "diu".indexOf(type) >= 0
                        ? Filters.truncated(r.value())
                        : Numbers.whole(value).orElseThrow(() -> JinjaException.type("%" + type + " format: an integer is required, not float"));
                return digits(n, spec).number(rendering, padded(n, spec.precision()));
            }
            case 'e', 'E', 'f', 'F', 'g', 'G' -> {
                if (!Numbers.isNumber(value)) throw JinjaException.type("must be real number, not " + value.type());
                return spec.number(rendering, new Real(Numbers.real(value)));
            }
            default -> throw JinjaException.type("unsupported format character '" + type + "'");
        }
    }

    private static FormatSpec texts(FormatSpec spec, int precision) {
        return new FormatSpec(" ", spec.align() == '<' ? '<' : '>', '-', false, spec.width(), (char) 0, precision, 's');
    }

    private static FormatSpec digits(BigInteger n, FormatSpec spec) {
        char type = "diu".indexOf(spec.type()) >= 0 ? 'd' : spec.type();
        return new FormatSpec(spec.fill(), spec.align(), spec.sign(), spec.alternate(), spec.width(), (char) 0, -1, type);
    }

    private static Value padded(BigInteger n, int precision) {
        if (precision > 0 && n.abs().toString().length() < precision) {
            throw JinjaException.type("a precision for whole numbers is not available here");
        }
        return new Value.Int(n);
    }

    private Value take() {
        if (used >= positional() || used > 0 && !(values instanceof Seq s && s.tuple())) {
            throw JinjaException.type("not enough arguments for format string");
        }
        used++;
        return values instanceof Seq s && s.tuple() ? s.items().get(used - 1) : values;
    }

    private int size() {
        if (peek() == '*') {
            at++;
            return Numbers.smallInt(take());
        }
        int start = at;
        while (Character.isDigit(peek())) at++;
        return FormatSpec.number(format.text().substring(start, at), 0);
    }

    private char peek() {
        return at < format.text().length() ? format.text().charAt(at) : '\uFFFF';
    }

    private char next() {
        if (at >= format.text().length()) throw JinjaException.type("incomplete format");
        return format.text().charAt(at++);
    }
}
