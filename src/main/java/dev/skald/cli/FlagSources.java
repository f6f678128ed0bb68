package dev.skald.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.StringJoiner;
import java.util.function.Predicate;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Where a flag's value comes from when the command line doesn't give it: first {@code SKALD__<FLAG>} in the environment, then the JSON file
 * of {@code --config}. A name that is no flag ends the program; a value is remembered with its source, for messages.
 */
final class FlagSources implements IDefaultValueProvider {
    /** Separates the values of a repeatable flag in a default: no argument can hold it. Such flags declare it as their {@code split}. */
    static final String SEPARATOR = "\u0000";

    private static final String PREFIX = "SKALD__";
    /** The launcher's own. */
    private static final Set<String> NOT_FLAGS = Set.of("java-home", "aot-train");

    /** @param origin as a message names it */
    private record Value(String text, String origin) {}

    private final Map<String, Value> values;

    private FlagSources(Map<String, Value> values) {
        this.values = values;
    }

    /**
     * @param args   for {@code --config} alone
     * @param isFlag whether another command has such a flag: then a variable of the environment is not for this one
     * @throws CliException for a name that is no flag, and for a file that can't be read
     */
    static FlagSources read(String[] args, Map<String, String> env, CommandSpec command, Predicate<String> isFlag) {
        Map<String, ArgSpec> flags = flags(command);
        Map<String, Value> values = new HashMap<>();
        Optional<Path> file = configFile(args, env);
        if (file.isPresent()) readConfig(file.get(), flags, values);
        for (Map.Entry<String, String> variable : env.entrySet()) {
            String name = variable.getKey();
            if (!name.startsWith(PREFIX)) continue;
            String flag = name.substring(PREFIX.length()).toLowerCase(Locale.ROOT).replace('_', '-');
            if (flags.containsKey(flag)) {
                values.put(flag, new Value(variable.getValue(), name));
            } else if (!NOT_FLAGS.contains(flag) && !isFlag.test(flag)) {
                throw CliException.askedWrongly(name + " in the environment names no flag" + didYouMean(flag, flags));
            }
        }
        return new FlagSources(values);
    }

    @Override
    public String defaultValue(ArgSpec arg) {
        Optional<Value> value = source(arg);
        return value.isPresent() ? value.get().text() : null;
    }

    /** Names where a flag's value came from, unless that was the command line. */
    Optional<String> origin(ArgSpec arg) {
        return source(arg).map(Value::origin);
    }

    private Optional<Value> source(ArgSpec arg) {
        Optional<String> name = name(arg);
        return name.isPresent() ? Optional.ofNullable(values.get(name.get())) : Optional.empty();
    }

    /** Every flag of a command by its long name without dashes, positional arguments by their label. */
    static Map<String, ArgSpec> flags(CommandSpec command) {
        Map<String, ArgSpec> flags = new LinkedHashMap<>();
        List<ArgSpec> all = new ArrayList<>(command.options());
        all.addAll(command.positionalParameters());
        for (ArgSpec arg : all) {
            Optional<String> name = name(arg);
            if (name.isPresent()) flags.put(name.get(), arg);
        }
        return flags;
    }

    private static Optional<String> name(ArgSpec arg) {
        if (arg instanceof OptionSpec option) {
            if (option.usageHelp() || option.versionHelp()) return Optional.empty();
            return Optional.of(option.longestName().replaceFirst("^-+", ""));
        }
        String label = arg.paramLabel();
        return label.equals("MODEL") ? Optional.of("model") : Optional.empty();
    }

    private static Optional<Path> configFile(String[] args, Map<String, String> env) {
        for (int i = 0; i < args.length && !args[i].equals("--"); i++) {
            if (args[i].startsWith("--config=")) return Optional.of(Path.of(args[i].substring("--config=".length())));
            if (args[i].equals("--config") && i + 1 < args.length) return Optional.of(Path.of(args[i + 1]));
        }
        return Optional.ofNullable(env.get(PREFIX + "CONFIG")).map(Path::of);
    }

    private static void readConfig(Path file, Map<String, ArgSpec> flags, Map<String, Value> values) {
        JsonNode root;
        try {
            root = new ObjectMapper().readTree(Files.readString(file));
        } catch (JsonProcessingException e) {
            throw CliException.askedWrongly(file + " is no JSON: " + e.getOriginalMessage() + " at line " + e.getLocation().getLineNr());
        } catch (IOException e) {
            throw CliException.failed("can't read " + file + ": " + TextFiles.why(e));
        }
        if (!root.isObject()) throw CliException.askedWrongly(file + " must hold a JSON object, flag names as keys");
        root.properties().forEach(entry -> {
            String flag = entry.getKey();
            if (!flags.containsKey(flag) || flag.equals("config")) {
                throw CliException.askedWrongly("\"" + flag + "\" in " + file + " is no flag of this command" + didYouMean(flag, flags));
            }
            String origin = "\"" + flag + "\" in " + file;
            values.put(flag, new Value(text(entry.getValue(), flags.get(flag), origin), origin));
        });
    }

    private static String text(JsonNode node, ArgSpec flag, String origin) {
        if (node.isValueNode() && !node.isNull()) return node.asText();
        if (!node.isArray() || !flag.isMultiValue()) {
            throw CliException.askedWrongly(origin + " must be a " + (flag.isMultiValue() ? "value or a list of values" : "value"));
        }
        StringJoiner joined = new StringJoiner(SEPARATOR);
        for (JsonNode item : node) {
            if (!item.isValueNode() || item.isNull()) throw CliException.askedWrongly(origin + " must hold plain values");
            joined.add(item.asText());
        }
        return joined.toString();
    }

    private static String didYouMean(String flag, Map<String, ArgSpec> flags) {
        return Suggestions.nearest(flag, flags.keySet()).map(s -> "; did you mean " + s + "?").orElse("");
    }
}
