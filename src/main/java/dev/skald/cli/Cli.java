package dev.skald.cli;

import dev.skald.boot.StartException;
import dev.skald.service.InferenceException;
import dev.skald.text.ChatTemplateException;
import dev.skald.text.TokenizerException;
import java.io.PrintStream;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.logging.Level;
import java.util.logging.Logger;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.ParameterException;

/** Finds the command, has its flags parsed, runs it, and turns whatever it throws into a sentence and an exit code. */
public final class Cli {
    private static final Logger LOG = Logger.getLogger(Cli.class.getName());

    /** @param summary for `skald --help`: kept here so that no other command's class is loaded */
    private record Entry(String summary, boolean hidden, Function<Stdio, Command> create) {}

    private static final Map<String, Entry> COMMANDS = new LinkedHashMap<>();

    static {
        command("serve", "Start the daemon: gRPC on a port of this machine.", ServeCommand::new);
        command("generate", "Continue a prompt.", GenerateCommand::new);
        command("chat", "Talk with a model.", ChatCommand::new);
        command("template", "Print the prompt that a conversation becomes.", TemplateCommand::new);
        command("tokenize", "Print the token ids of texts.", TokenizeCommand::new);
        command("inspect", "Say what a model is, and whether it can be served.", InspectCommand::new);
        command("bench", "Measure a model on this machine, beside the machine's own limits.", BenchCommand::new);
        command("load", "Put a load on a running daemon and report what its clients see.", LoadCommand::new);
        hidden("train-cache", TrainCacheCommand::new);
    }

    private final Stdio stdio;

    Cli(Stdio stdio) {
        this.stdio = stdio;
    }

    private static void command(String name, String summary, Function<Stdio, Command> create) {
        COMMANDS.put(name, new Entry(summary, false, create));
    }

    private static void hidden(String name, Function<Stdio, Command> create) {
        COMMANDS.put(name, new Entry("", true, create));
    }

    /** The whole program. @return the exit code */
    public static int runProcess(String... args) {
        Stdio stdio = Stdio.ofProcess();
        int code = new Cli(stdio).run(args);
        stdio.out().flush();
        return code;
    }

    /** @return an {@link ExitCode}; never throws */
    int run(String... args) {
        if (args.length == 0) {
            usage(stdio.err());
            return ExitCode.ASKED_WRONGLY;
        }
        switch (args[0]) {
            case "--help", "-h", "help" -> {
                usage(stdio.out());
                return ExitCode.OK;
            }
            case "--version", "-V", "version" -> {
                stdio.out().println(Release.line());
                stdio.out().flush();
                return ExitCode.OK;
            }
            default -> {}
        }
        Entry entry = COMMANDS.get(args[0]);
        if (entry == null) {
            String hint = Suggestions.nearest(args[0], visible()).map(s -> "; did you mean `skald " + s + "`?").orElse("");
            stdio.err().println("skald: no command `" + args[0] + "`" + hint + " (`skald --help` lists them)");
            return ExitCode.ASKED_WRONGLY;
        }
        return run(args[0], entry.create().apply(stdio), Arrays.copyOfRange(args, 1, args.length));
    }

    private int run(String name, Command command, String[] args) {
        CommandLine line = commandLine(name, command);
        FlagSources sources;
        try {
            sources = FlagSources.read(args, stdio.env(), line.getCommandSpec(), Cli::isFlagOfAnyCommand);
            line.setDefaultValueProvider(sources);
            line.parseArgs(args);
            if (line.isUsageHelpRequested()) {
                line.usage(stdio.out(), Ansi.OFF);
                stdio.out().flush();
                return ExitCode.OK;
            }
            if (line.isVersionHelpRequested()) {
                stdio.out().println(Release.line());
                stdio.out().flush();
                return ExitCode.OK;
            }
        } catch (ParameterException e) {
            return refuse(name, FlagErrors.sentence(e, line.getCommandSpec()));
        } catch (CliException e) {
            return end(name, e);
        }
        Logs.configure(command.common().logLevel, stdio.err());
        int code = execute(name, command);
        stdio.out().flush();
        return code;
    }

    private int execute(String name, Command command) {
        try {
            return command.run();
        } catch (ParameterException e) {
            return refuse(name, e.getMessage());
        } catch (CliException e) {
            return end(name, e);
        } catch (InferenceException e) {
            stdio.err().println("skald: " + e.getMessage());
            return switch (e.kind()) {
                case INVALID_ARGUMENT, NOT_FOUND -> ExitCode.ASKED_WRONGLY;
                case RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED, CANCELLED, ABORTED, UNAVAILABLE, UNIMPLEMENTED, INTERNAL -> ExitCode.FAILED;
            };
        } catch (StartException | TokenizerException | ChatTemplateException e) {
            stdio.err().println("skald: " + e.getMessage());
            LOG.log(Level.FINE, "because of", e);
            return ExitCode.FAILED;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return ExitCode.FAILED;
        } catch (RuntimeException e) {
            LOG.log(Level.SEVERE, "this is a mistake in Skald", e);
            return ExitCode.FAILED;
        }
    }

    private int end(String name, CliException e) {
        if (e.exitCode() == ExitCode.ASKED_WRONGLY) return refuse(name, e.getMessage());
        stdio.out().flush();
        stdio.err().println("skald: " + e.getMessage());
        return e.exitCode();
    }

    private int refuse(String name, String sentence) {
        stdio.out().flush();
        stdio.err().println("skald " + name + ": " + sentence + " (`skald " + name + " --help`)");
        return ExitCode.ASKED_WRONGLY;
    }

    private static CommandLine commandLine(String name, Command command) {
        CommandLine line = new CommandLine(command);
        line.getCommandSpec().usageMessage().abbreviateSynopsis(true).sortOptions(false).optionListHeading("%n");
        return line
                .setCommandName("skald " + name)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setOverwrittenOptionsAllowed(false)
                .setUsageHelpAutoWidth(false)
                .setUsageHelpWidth(100)
                .setColorScheme(CommandLine.Help.defaultColorScheme(Ansi.OFF));
    }

    /** Builds every command's flags: only when a variable of the environment is none of the called command's. */
    private static boolean isFlagOfAnyCommand(String flag) {
        return COMMANDS.entrySet().stream().anyMatch(e -> {
            Command command = e.getValue().create().apply(new Stdio(System.out, System.err, System.in, Map.of()));
            return FlagSources.flags(commandLine(e.getKey(), command).getCommandSpec()).containsKey(flag);
        });
    }

    private static List<String> visible() {
        return COMMANDS.entrySet().stream().filter(e -> !e.getValue().hidden()).map(Map.Entry::getKey).toList();
    }

    private static void usage(PrintStream to) {
        to.println("Usage: skald COMMAND [flags]");
        to.println();
        COMMANDS.forEach((name, entry) -> {
            if (!entry.hidden()) to.printf("  %-10s %s%n", name, entry.summary());
        });
        to.println();
        to.println("`skald COMMAND --help` explains a command's flags; `skald --version` says which Skald this is.");
        to.println("A flag can also be given as SKALD__<FLAG> in the environment (SKALD__MAX_NUM_SEQS=8) or in the JSON of --config.");
        to.flush();
    }
}
