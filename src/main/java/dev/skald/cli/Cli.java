package dev.skald.cli;

import dev.skald.boot.StartException;
import dev.skald.convert.ConversionException;
import dev.skald.model.ModelException;
import dev.skald.quantize.QuantisationException;
import dev.skald.service.InferenceException;
import dev.skald.text.ChatTemplateException;
import dev.skald.text.TokenizerException;
import dev.skald.weights.CheckpointException;
import java.io.PrintStream;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.logging.Level;
import java.util.logging.Logger;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.ParameterException;

/** Finds the command, has its flags parsed, runs it, and turns whatever it throws into a sentence and an exit code. */
public final class Cli {
    private static final Logger LOG = Logger.getLogger(Cli.class.getName());

    /** Name and summary of each command, in the order of `skald --help`. Kept here so that only the called command's class is loaded. */
    private static final Map<String, String> COMMANDS = new LinkedHashMap<>();

    static {
        COMMANDS.put("serve", "Start the daemon: gRPC on a port of this machine.");
        COMMANDS.put("generate", "Continue a prompt.");
        COMMANDS.put("chat", "Talk with a model.");
        COMMANDS.put("batch", "Answer every line of a file, resumably.");
        COMMANDS.put("template", "Print the prompt that a conversation becomes.");
        COMMANDS.put("tokenize", "Print the token ids of texts.");
        COMMANDS.put("inspect", "Say what a model is, and whether it can be served.");
        COMMANDS.put("quantize", "Write a model as a GGUF file or a packed file, with weights of another type.");
        COMMANDS.put("make-model", "Write a model of random weights, for measuring and testing.");
        COMMANDS.put("bench", "Measure a model on this machine, beside the machine's own limits.");
        COMMANDS.put("load", "Put a load on a running daemon and report what its clients see.");
        COMMANDS.put("health", "Ask a running daemon whether it is ready.");
        COMMANDS.put("gpu-check", "Check and measure this machine's NVIDIA card, or pack what a machine with one needs for it.");
    }

    private final Stdio stdio;

    Cli(Stdio stdio) {
        this.stdio = stdio;
    }

    /** A switch and no table of constructors: a lambda for each command would cost every start. @return empty for a name that is none */
    private static Optional<Command> create(String name, Stdio stdio) {
        return switch (name) {
            case "serve" -> Optional.of(new ServeCommand(stdio));
            case "generate" -> Optional.of(new GenerateCommand(stdio));
            case "chat" -> Optional.of(new ChatCommand(stdio));
            case "batch" -> Optional.of(new BatchCommand(stdio, false));
            case "template" -> Optional.of(new TemplateCommand(stdio));
            case "tokenize" -> Optional.of(new TokenizeCommand(stdio));
            case "inspect" -> Optional.of(new InspectCommand(stdio));
            case "quantize" -> Optional.of(new QuantizeCommand(stdio));
            case "make-model" -> Optional.of(new MakeModelCommand(stdio));
            case "bench" -> Optional.of(new BenchCommand(stdio));
            case "load" -> Optional.of(new LoadCommand(stdio));
            case "health" -> Optional.of(new HealthCommand(stdio));
            case "gpu-check" -> Optional.of(new GpuCheckCommand(stdio));
            // Hidden: for `batch` and `gpu-check` themselves, and for the build.
            case "gpu-check-part" -> Optional.of(new GpuCheckPartCommand());
            case "batch-alone" -> Optional.of(new BatchCommand(stdio, true));
            case "train-cache" -> Optional.of(new TrainCacheCommand(stdio));
            default -> Optional.empty();
        };
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
        Optional<Command> command = create(args[0], stdio);
        if (command.isEmpty()) {
            String hint = Suggestions.nearest(args[0], COMMANDS.keySet()).map(s -> "; did you mean `skald " + s + "`?").orElse("");
            stdio.err().println("skald: no command `" + args[0] + "`" + hint + " (`skald --help` lists them)");
            return ExitCode.ASKED_WRONGLY;
        }
        return run(args[0], command.get(), Arrays.copyOfRange(args, 1, args.length));
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
        } catch (StartException | ModelException | TokenizerException | ChatTemplateException | CheckpointException | ConversionException
                | QuantisationException e) {
            stdio.err().println("skald: " + e.getMessage());
            LOG.log(Level.FINE, "because of", e);
            return e instanceof StartException start && start.askedWrongly() ? ExitCode.ASKED_WRONGLY : ExitCode.FAILED;
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
        Stdio nobody = new Stdio(System.out, System.err, System.in, Map.of());
        return COMMANDS.keySet().stream()
                .anyMatch(name -> FlagSources.flags(commandLine(name, create(name, nobody).orElseThrow()).getCommandSpec()).containsKey(flag));
    }

    private static void usage(PrintStream to) {
        to.println("Usage: skald COMMAND [flags]");
        to.println();
        COMMANDS.forEach((name, summary) -> to.printf("  %-10s %s%n", name, summary));
        to.println();
        to.println("`skald COMMAND --help` explains a command's flags; `skald --version` says which Skald this is.");
        to.println("A flag can also be given as SKALD__<FLAG> in the environment (SKALD__MAX_NUM_SEQS=8) or in the JSON of --config.");
        to.flush();
    }
}
