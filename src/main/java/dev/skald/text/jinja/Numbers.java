package dev.skald.text.jinja;

import dev.skald.text.jinja.Value.Bool;
import dev.skald.text.jinja.Value.Int;
import dev.skald.text.jinja.Value.Real;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.Optional;
import java.util.regex.Pattern;

/** Python's numbers: whole ones without an end, floats, and bools that count as whole ones. */
final class Numbers {
    private static final Pattern REAL = Pattern.compile("([0-9]+\\.?[0-9]*|\\.[0-9]+)(e[+-]?[0-9]+)?");

    private Numbers() {}

    static boolean isNumber(Value value) {
        return value instanceof Int || value instanceof Real || value instanceof Bool;
    }

    static Optional<BigInteger> whole(Value value) {
        return switch (value) {
            case Int i -> Optional.of(i.value());
            case Bool b -> Optional.of(b.value() ? BigInteger.ONE : BigInteger.ZERO);
            default -> Optional.empty();
        };
    }

    /** @param value a number */
    static double real(Value value) {
        if (value instanceof Real r) return r.value();
        double d = whole(value).orElseThrow().doubleValue();
        if (Double.isInfinite(d)) throw JinjaException.type("int too large to convert to float");
        return d;
    }

    /** An index, a width, a count: beyond 32 bits it is cut to the nearest that fits. @throws JinjaException for what is no whole number */
    static int smallInt(Value value) {
        BigInteger n = whole(value).orElseThrow(() -> JinjaException.type("'" + value.type() + "' object cannot be interpreted as an integer"));
        return n.bitLength() < 32 ? n.intValue() : n.signum() < 0 ? Integer.MIN_VALUE + 1 : Integer.MAX_VALUE;
    }

    /** @param op one of + - * / // % ** */
    static Value compute(String op, Value left, Value right) {
        Optional<BigInteger> a = whole(left);
        Optional<BigInteger> b = whole(right);
        if (a.isPresent() && b.isPresent()) return wholes(op, a.get(), b.get());
        return new Real(reals(op, real(left), real(right)));
    }

    private static Value wholes(String op, BigInteger a, BigInteger b) {
        return switch (op) {
            case "+" -> new Int(a.add(b));
            case "-" -> new Int(a.subtract(b));
            case "*" -> new Int(a.multiply(b));
            case "/" -> {
                if (b.signum() == 0) throw JinjaException.type("division by zero");
                yield new Real(divide(a, b));
            }
            case "//" -> new Int(floorDivide(a, b));
            case "%" -> new Int(a.subtract(floorDivide(a, b).multiply(b)));
            case "**" -> power(a, b);
            default -> throw new IllegalArgumentException(op);
        };
    }

    private static double divide(BigInteger a, BigInteger b) {
        if (a.bitLength() <= 53 && b.bitLength() <= 53) return a.doubleValue() / b.doubleValue();
        return new BigDecimal(a).divide(new BigDecimal(b), new java.math.MathContext(400)).doubleValue();
    }

    private static BigInteger floorDivide(BigInteger a, BigInteger b) {
        if (b.signum() == 0) throw JinjaException.type("integer division or modulo by zero");
        BigInteger[] parts = a.divideAndRemainder(b);
        return parts[1].signum() != 0 && parts[1].signum() != b.signum() ? parts[0].subtract(BigInteger.ONE) : parts[0];
    }

    private static Value power(BigInteger a, BigInteger b) {
        if (b.signum() < 0) {
            if (a.signum() == 0) throw JinjaException.type("0.0 cannot be raised to a negative power");
            return new Real(Math.pow(a.doubleValue(), b.doubleValue()));
        }
        if (a.abs().bitLength() <= 1) return new Int(a.signum() >= 0 || !b.testBit(0) ? (b.signum() == 0 ? BigInteger.ONE : a.abs()) : a);
        if (b.bitLength() > 16 || (long) a.bitLength() * b.intValue() > 2L * Value.MAX_INT_BITS) {
            throw JinjaException.limit("A number has more than " + Value.MAX_INT_BITS + " bits");
        }
        return new Int(a.pow(b.intValue()));
    }

    private static double reals(String op, double a, double b) {
        return switch (op) {
            case "+" -> a + b;
            case "-" -> a - b;
            case "*" -> a * b;
            case "/" -> {
                if (b == 0) throw JinjaException.type("float division by zero");
                yield a / b;
            }
            case "//" -> {
                if (b == 0) throw JinjaException.type("float floor division by zero");
                yield floorDivide(a, b);
            }
            case "%" -> {
                if (b == 0) throw JinjaException.type("float modulo");
                yield modulo(a, b);
            }
            case "**" -> {
                if (a == 0 && b < 0) throw JinjaException.type("0.0 cannot be raised to a negative power");
                if (a < 0 && b != Math.rint(b)) throw JinjaException.type("a complex number");
                yield Math.pow(a, b);
            }
            default -> throw new IllegalArgumentException(op);
        };
    }

    private static double modulo(double a, double b) {
        double r = a % b;
        if (r == 0) return Math.copySign(0.0, b);
        return r < 0 != b < 0 ? r + b : r;
    }

    private static double floorDivide(double a, double b) {
        double quotient = (a - modulo(a, b)) / b;
        if (quotient == 0) return Math.copySign(0.0, a / b);
        double floor = Math.floor(quotient);
        return quotient - floor > 0.5 ? floor + 1 : floor;
    }

    /** Python's round(): half to even, on the decimal value that the float really has. */
    static double round(double value, int digits, RoundingMode mode) {
        if (Double.isNaN(value) || Double.isInfinite(value) || digits > 400) return value;
        double rounded = new BigDecimal(value).setScale(Math.max(digits, -400), mode).doubleValue();
        return rounded == 0 ? Math.copySign(0.0, value) : rounded;
    }

    /** Python's repr() of a float: the shortest digits that read back the same. */
    static String format(double value) {
        if (Double.isNaN(value)) return "nan";
        if (Double.isInfinite(value)) return value > 0 ? "inf" : "-inf";
        if (value == 0) return 1 / value < 0 ? "-0.0" : "0.0";
        BigDecimal shortest = new BigDecimal(Double.toString(Math.abs(value))).stripTrailingZeros();
        String digits = shortest.unscaledValue().toString();
        int exponent = digits.length() - 1 - shortest.scale();
        String sign = value < 0 ? "-" : "";
        if (exponent < -4 || exponent >= 16) {
            String mantissa = digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
            return sign + mantissa + "e" + (exponent < 0 ? "-" : "+") + (Math.abs(exponent) < 10 ? "0" : "") + Math.abs(exponent);
        }
        if (exponent < 0) return sign + "0." + "0".repeat(-exponent - 1) + digits;
        if (exponent + 1 >= digits.length()) return sign + digits + "0".repeat(exponent + 1 - digits.length()) + ".0";
        return sign + digits.substring(0, exponent + 1) + "." + digits.substring(exponent + 1);
    }

    /** Python's int() of a text: white space around, a sign, digits with single underscores between. */
    static Optional<BigInteger> parseInt(String text, int base) {
        String s = withoutUnderscores(strip(text));
        boolean negative = s.startsWith("-");
        if (negative || s.startsWith("+")) s = s.substring(1);
        String lower = Chars.lower(s);
        int radix = base;
        if ((base == 16 || base == 0) && lower.startsWith("0x")) {
            s = s.substring(2);
            radix = 16;
        } else if ((base == 8 || base == 0) && lower.startsWith("0o")) {
            s = s.substring(2);
            radix = 8;
        } else if ((base == 2 || base == 0) && lower.startsWith("0b")) {
            s = s.substring(2);
            radix = 2;
        } else if (base == 0) {
            radix = 10;
        }
        if (s.isEmpty() || radix < 2 || radix > 36 || s.length() > Value.MAX_INT_BITS) return Optional.empty();
        for (int i = 0; i < s.length(); i++) if (Character.digit(s.charAt(i), radix) < 0) return Optional.empty();
        BigInteger n = new BigInteger(s, radix);
        return Optional.of(negative ? n.negate() : n);
    }

    /** Python's float() of a text. */
    static Optional<Double> parseReal(String text) {
        String s = Chars.lower(withoutUnderscores(strip(text)));
        String unsigned = s.startsWith("-") || s.startsWith("+") ? s.substring(1) : s;
        double sign = s.startsWith("-") ? -1 : 1;
        if (unsigned.equals("inf") || unsigned.equals("infinity")) return Optional.of(sign * Double.POSITIVE_INFINITY);
        if (unsigned.equals("nan")) return Optional.of(Double.NaN);
        if (unsigned.length() > Value.MAX_INT_BITS || !REAL.matcher(unsigned).matches()) return Optional.empty();
        return Optional.of(sign * Double.parseDouble(unsigned));
    }

    /** Single underscores between digits mean nothing; others stay, and spoil the number. */
    private static String withoutUnderscores(String text) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            boolean between = i > 0 && i + 1 < text.length()
                    && Character.isLetterOrDigit(text.charAt(i - 1)) && Character.isLetterOrDigit(text.charAt(i + 1));
            if (text.charAt(i) != '_' || !between) out.append(text.charAt(i));
        }
        return out.toString();
    }

    private static String strip(String text) {
        int start = 0;
        int end = text.length();
        while (start < end && Chars.isSpace(text.charAt(start))) start++;
        while (end > start && Chars.isSpace(text.charAt(end - 1))) end--;
        return text.substring(start, end);
    }
}
