package dev.skald.text.jinja;

import dev.skald.text.jinja.Value.Real;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;

/**
 * How one value is written by {@code format} or {@code %}: {@code [[fill]align][sign][#][0][width][,|_][.precision][type]}.
 *
 * @param align     &lt; &gt; ^ = or 0 for the type's own
 * @param sign      + - or space
 * @param grouping  , _ or 0
 * @param precision −1: none given
 * @param type      0: none given
 */
record FormatSpec(String fill, char align, char sign, boolean alternate, int width, char grouping, int precision, char type) {
    /** Nobody lays out text wider than that; budgets guard what is below. */
    static final int MAX_WIDTH = 100_000;
    static final int MAX_PRECISION = 1_000;

    FormatSpec {
        if (width > MAX_WIDTH) throw JinjaException.limit("A format is wider than " + MAX_WIDTH + " characters");
        if (precision > MAX_PRECISION) throw JinjaException.limit("A format has more than " + MAX_PRECISION + " digits");
    }

    /** Of {@code str.format}. */
    static FormatSpec parse(String spec) {
        int at = 0;
        String fill = " ";
        char align = 0;
        int first = spec.isEmpty() ? 0 : Character.charCount(spec.codePointAt(0));
        if (spec.length() > first && first > 0 && "<>^=".indexOf(spec.charAt(first)) >= 0) {
            fill = spec.substring(0, first);
            align = spec.charAt(first);
            at = first + 1;
        } else if (!spec.isEmpty() && "<>^=".indexOf(spec.charAt(0)) >= 0) {
            align = spec.charAt(0);
            at = 1;
        }
        char sign = at < spec.length() && "+- ".indexOf(spec.charAt(at)) >= 0 ? spec.charAt(at++) : '-';
        boolean alternate = at < spec.length() && spec.charAt(at) == '#';
        if (alternate) at++;
        if (at < spec.length() && spec.charAt(at) == '0') {
            at++;
            if (align == 0) {
                fill = "0";
                align = '=';
            }
        }
        int start = at;
        while (at < spec.length() && Character.isDigit(spec.charAt(at))) at++;
        int width = number(spec.substring(start, at), 0);
        char grouping = at < spec.length() && ",_".indexOf(spec.charAt(at)) >= 0 ? spec.charAt(at++) : 0;
        int precision = -1;
        if (at < spec.length() && spec.charAt(at) == '.') {
            start = ++at;
            while (at < spec.length() && Character.isDigit(spec.charAt(at))) at++;
            if (start == at) throw JinjaException.type("Format specifier missing precision");
            precision = number(spec.substring(start, at), 0);
        }
        char type = at < spec.length() ? spec.charAt(at++) : 0;
        if (at < spec.length()) throw JinjaException.type("Invalid format specifier '" + spec + "'");
        return new FormatSpec(fill, align, sign, alternate, width, grouping, precision, type);
    }

    static int number(String digits, int otherwise) {
        return digits.isEmpty() ? otherwise : digits.length() > 9 ? Integer.MAX_VALUE : Integer.parseInt(digits);
    }

    /** Writes a text. */
    Str text(Rendering rendering, Str value) {
        if (type != 0 && type != 's') throw JinjaException.type("Unknown format code '" + type + "' for object of type 'str'");
        if (align == '=') throw JinjaException.type("'=' alignment not allowed in string format specifier");
        Str cut = precision >= 0 && precision < value.length() ? value.substring(0, value.index(precision)) : value;
        return pad(rendering, cut, align == 0 ? '<' : align);
    }

    /** Writes a number. */
    Str number(Rendering rendering, Value value) {
        boolean whole = !(value instanceof Real) && (type == 0 || "bcdoxXn".indexOf(type) >= 0);
        if (value instanceof Real && type != 0 && "eEfFgG%n".indexOf(type) < 0 || type != 0 && "bcdoxXneEfFgG%".indexOf(type) < 0) {
            throw JinjaException.type("Unknown format code '" + type + "' for object of type '" + value.type() + "'");
        }
        String digits = whole ? whole(Numbers.whole(value).orElseThrow()) : real(Numbers.real(value));
        boolean negative = digits.startsWith("-");
        String signed = negative ? "-" : sign == '-' ? "" : String.valueOf(sign);
        String body = negative ? digits.substring(1) : digits;
        if (align == '=') {
            int zeros = width - signed.length() - body.length();
            return rendering.builder().append(signed).append(fill.repeat(Math.max(0, zeros))).append(body).build();
        }
        return pad(rendering, Str.trusted(signed + body), align == 0 ? '>' : align);
    }

    private Str pad(Rendering rendering, Str value, char where) {
        int missing = Math.max(0, width - value.length());
        int left = where == '<' ? 0 : where == '>' ? missing : missing / 2;
        StrBuilder out = rendering.builder();
        for (int i = 0; i < left; i++) out.append(fill);
        out.append(value);
        for (int i = left; i < missing; i++) out.append(fill);
        return out.build().asMarkup(value.markup());
    }

    private String whole(BigInteger n) {
        String digits = switch (type) {
            case 'b' -> n.toString(2);
            case 'o' -> n.toString(8);
            case 'x' -> n.toString(16);
            case 'X' -> Chars.upper(n.toString(16));
            case 'c' -> Character.toString(n.intValueExact());
            default -> n.toString();
        };
        String prefix = !alternate ? "" : type == 'b' ? "0b" : type == 'o' ? "0o" : type == 'x' ? "0x" : type == 'X' ? "0X" : "";
        String minus = digits.startsWith("-") ? "-" : "";
        return minus + prefix + grouped(digits.substring(minus.length()));
    }

    private String grouped(String digits) {
        if (grouping == 0) return digits;
        int size = grouping == '_' && type != 0 && "boxX".indexOf(type) >= 0 ? 4 : 3;
        StringBuilder out = new StringBuilder(digits);
        for (int i = digits.length() - size; i > 0; i -= size) out.insert(i, grouping);
        return out.toString();
    }

    private String real(double value) {
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            String name = Numbers.format(value) + (type == '%' ? "%" : "");
            return type != 0 && "EFG".indexOf(type) >= 0 ? Chars.upper(name) : name;
        }
        int digits = precision < 0 ? 6 : precision;
        String minus = value < 0 || 1 / value < 0 ? "-" : "";
        BigDecimal exact = new BigDecimal(Math.abs(value));
        String text = switch (type) {
            case 'f', 'F' -> fixed(exact, digits);
            case '%' -> fixed(exact.movePointRight(2), digits) + "%";
            case 'e', 'E' -> scientific(exact, digits);
            case 'g', 'G', 'n' -> general(exact, Math.max(1, digits), false);
            default -> precision < 0 ? Numbers.format(Math.abs(value)) : general(exact, Math.max(1, digits), true);
        };
        if (type == 'E' || type == 'G') text = Chars.upper(text);
        int end = 0;
        while (end < text.length() && Character.isDigit(text.charAt(end))) end++;
        return minus + grouped(text.substring(0, end)) + text.substring(end);
    }

    private String fixed(BigDecimal value, int digits) {
        return value.setScale(digits, RoundingMode.HALF_EVEN).toPlainString() + (alternate && digits == 0 ? "." : "");
    }

    private static String scientific(BigDecimal value, int digits) {
        if (value.signum() == 0) return "0" + (digits > 0 ? "." + "0".repeat(digits) : "") + "e+00";
        BigDecimal rounded = value.round(new java.math.MathContext(digits + 1, RoundingMode.HALF_EVEN));
        int exponent = rounded.precision() - rounded.scale() - 1;
        String all = rounded.unscaledValue().toString();
        all += "0".repeat(Math.max(0, digits + 1 - all.length()));
        String mantissa = digits > 0 ? all.charAt(0) + "." + all.substring(1, digits + 1) : all.substring(0, 1);
        return mantissa + "e" + (exponent < 0 ? "-" : "+") + (Math.abs(exponent) < 10 ? "0" : "") + Math.abs(exponent);
    }

    /** @param typeless a float without a type has at least one digit after the point */
    private String general(BigDecimal value, int digits, boolean typeless) {
        if (value.signum() == 0) return typeless ? "0.0" : "0";
        BigDecimal rounded = value.round(new java.math.MathContext(digits, RoundingMode.HALF_EVEN));
        int exponent = rounded.precision() - rounded.scale() - 1;
        if (exponent < -4 || exponent >= digits - (typeless ? 1 : 0)) {
            String text = scientific(value, digits - 1);
            int e = text.indexOf('e');
            return trimZeros(text.substring(0, e)) + text.substring(e);
        }
        String plain = trimZeros(rounded.setScale(Math.max(0, digits - 1 - exponent), RoundingMode.HALF_EVEN).toPlainString());
        return typeless && plain.indexOf('.') < 0 ? plain + ".0" : plain;
    }

    private String trimZeros(String text) {
        if (alternate || text.indexOf('.') < 0) return text;
        int end = text.length();
        while (text.charAt(end - 1) == '0') end--;
        return text.substring(0, text.charAt(end - 1) == '.' ? end - 1 : end);
    }
}
