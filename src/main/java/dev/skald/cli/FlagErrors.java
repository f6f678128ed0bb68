package dev.skald.cli;

import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.OverwrittenOptionException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Turns what picocli complains of into one sentence. */
final class FlagErrors {
    private FlagErrors() {}

    static String sentence(ParameterException e, CommandSpec command) {
        return switch (e) {
            case UnmatchedArgumentException unmatched -> unmatched(unmatched.getUnmatched().getFirst(), command);
            case MissingParameterException missing -> missing(missing.getMissing(), e);
            case OverwrittenOptionException twice -> name(twice.getOverwritten()) + " is given twice";
            default -> value(e, command);
        };
    }

    private static String unmatched(String argument, CommandSpec command) {
        if (!argument.startsWith("-")) return "unexpected argument `" + argument + "`";
        String flag = argument.contains("=") ? argument.substring(0, argument.indexOf('=')) : argument;
        List<String> known = command.options().stream().filter(o -> !o.hidden()).flatMap(o -> List.of(o.names()).stream()).toList();
        String hint = flag.startsWith("--") ? Suggestions.nearest(flag, known).map(s -> "; did you mean " + s + "?").orElse("") : "";
        return "no flag `" + flag + "`" + hint;
    }

    private static String missing(List<ArgSpec> missing, ParameterException e) {
        if (missing.isEmpty()) return plain(e.getMessage());
        String names = missing.stream().map(FlagErrors::name).collect(Collectors.joining(", "));
        boolean parameter = missing.size() == 1 && e.getMessage().contains("parameter");
        return parameter ? names + " needs a value" : names + (missing.size() == 1 ? " is" : " are") + " required";
    }

    private static String value(ParameterException e, CommandSpec command) {
        ArgSpec arg = e.getArgSpec();
        if (arg == null || e.getValue() == null) return plain(e.getMessage());
        String from = command.defaultValueProvider() instanceof FlagSources sources
                ? sources.origin(arg).map(origin -> " (from " + origin + ")").orElse("")
                : "";
        return name(arg) + " can't be `" + e.getValue() + "`" + reason(arg, e) + from;
    }

    private static String reason(ArgSpec arg, ParameterException e) {
        Class<?> type = arg.auxiliaryTypes().length > 0 ? arg.auxiliaryTypes()[arg.auxiliaryTypes().length - 1] : arg.type();
        if (type.isEnum()) {
            return ": expected one of " + List.of(type.getEnumConstants()).stream().map(String::valueOf).collect(Collectors.joining(", "));
        }
        if (type == int.class || type == Integer.class) return ": expected a whole number";
        if (type == boolean.class || type == Boolean.class) return ": expected true or false";
        // Our converters say what they expect; picocli's own quote the value again, and these types are all that they convert.
        String said = e.getCause() instanceof TypeConversionException own && own.getMessage() != null ? own.getMessage() : "";
        if (!said.isEmpty() && !said.startsWith("'")) return ": " + said;
        if (type == long.class || type == Long.class) return ": expected a whole number";
        if (type == float.class || type == Float.class) return ": expected a number";
        return "";
    }

    static String name(ArgSpec arg) {
        return arg instanceof OptionSpec option ? option.longestName() : arg.paramLabel();
    }

    private static String plain(String message) {
        return message == null ? "the arguments make no sense" : message.lines().findFirst().orElse("").replaceFirst("\\.$", "");
    }
}
