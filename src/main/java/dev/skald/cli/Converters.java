package dev.skald.cli;

import dev.skald.tensor.DType;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Values of flags that are more than a number or a word. */
final class Converters {
    private Converters() {}

    /** Seconds, decimals allowed. */
    static final class Seconds implements ITypeConverter<Duration> {
        private static final BigDecimal MAX = BigDecimal.valueOf(365L * 24 * 3600);

        @Override
        public Duration convert(String value) {
            try {
                BigDecimal seconds = new BigDecimal(value.strip());
                if (seconds.signum() < 0 || seconds.compareTo(MAX) > 0) throw new TypeConversionException("expected 0 to a year, in seconds");
                return Duration.ofNanos(seconds.movePointRight(9).longValue());
            } catch (NumberFormatException e) {
                throw new TypeConversionException("expected seconds, such as 30 or 0.5");
            }
        }
    }

    /** Bytes, or KiB, MiB, GiB. */
    static final class Bytes implements ITypeConverter<Long> {
        private static final Pattern FORM = Pattern.compile("(\\d{1,18})\\s*(|k|m|g)(?:i?b)?", Pattern.CASE_INSENSITIVE);

        @Override
        public Long convert(String value) {
            Matcher m = FORM.matcher(value.strip());
            if (!m.matches()) throw new TypeConversionException("expected bytes, such as 536870912, 512MiB or 2GiB");
            int shift = switch (m.group(2).toLowerCase(Locale.ROOT)) {
                case "k" -> 10;
                case "m" -> 20;
                case "g" -> 30;
                default -> 0;
            };
            try {
                return Math.multiplyExact(Long.parseLong(m.group(1)), 1L << shift);
            } catch (ArithmeticException e) {
                throw new TypeConversionException("more bytes than there can be");
            }
        }
    }

    /** A value of its own, since picocli would pour several lists into one. */
    record IdList(List<Integer> ids) {}

    /** Comma-separated token ids. */
    static final class Ids implements ITypeConverter<IdList> {
        @Override
        public IdList convert(String value) {
            try {
                return new IdList(Arrays.stream(value.strip().split("\\s*,\\s*")).map(Integer::valueOf).toList());
            } catch (NumberFormatException e) {
                throw new TypeConversionException("expected token ids, separated by commas");
            }
        }
    }

    private static final List<DType> WEIGHT_TYPES = Arrays.stream(DType.values()).filter(type -> type != DType.I32).toList();

    /** All types that weights can have, by the names that people use. */
    static DType weightType(String flag, String name) {
        return WEIGHT_TYPES.stream().filter(type -> type.name().equalsIgnoreCase(name)).findFirst().orElseThrow(() -> CliException.askedWrongly(
                flag + " can't be `" + name + "`: expected one of " + WEIGHT_TYPES.stream().map(Converters::name).collect(Collectors.joining(", "))));
    }

    /** As people write it: q4_k. */
    static String name(DType type) {
        return type.name().toLowerCase(Locale.ROOT);
    }

    /** Types of a KV cache. */
    static DType cacheType(String flag, String name) {
        if (name.equalsIgnoreCase(name(DType.Q8_0))) return DType.Q8_0;
        try {
            return dtype(flag, name);
        } catch (CliException e) {
            throw CliException.askedWrongly(flag + " can't be `" + name + "`: expected f16, bf16, f32 or q8_0");
        }
    }

    /** Element types by the names that people use. */
    static DType dtype(String flag, String name) {
        return switch (name.toLowerCase(Locale.ROOT)) {
            case "f32", "float32" -> DType.F32;
            case "f16", "float16", "half" -> DType.F16;
            case "bf16", "bfloat16" -> DType.BF16;
            default -> throw CliException.askedWrongly(flag + " can't be `" + name + "`: expected f32, f16 or bf16");
        };
    }
}
