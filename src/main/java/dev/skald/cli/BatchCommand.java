package dev.skald.cli;

import dev.skald.batch.AloneServer;
import dev.skald.batch.BatchException;
import dev.skald.batch.BatchJob;
import dev.skald.batch.BatchPlan;
import dev.skald.batch.DryRun;
import dev.skald.batch.Ending;
import dev.skald.batch.Fleet;
import dev.skald.batch.Progress;
import dev.skald.batch.RunSettings;
import dev.skald.batch.Shard;
import dev.skald.batch.Stop;
import dev.skald.batch.Summary;
import dev.skald.boot.Version;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** `skald batch`: a file of requests in, a file of answers out. */
@Command(description = "Answer every line of a file, once each, whatever happens in between: after a crash, a kill or a full disk the same command "
        + "goes on. Lines are OpenAI's batch lines, or {\"prompt\": …} or {\"messages\": …}. One summary object on stdout at the end.")
final class BatchCommand implements dev.skald.cli.Command {
    @Spec
    CommandSpec spec;

    @Mixin
    CommonFlags common = new CommonFlags();

    @Option(names = {"-i", "--input"}, paramLabel = "FILE", description = "Lines of JSON, gzipped or not; - is standard input.")
    Path input;

    @Option(names = {"-o", "--output"}, paramLabel = "FILE",
            description = "Takes the answers; FILE.errors.jsonl (for FILE.jsonl) what could not be answered. Other files beside it keep the job's state.")
    Path output;

    @Option(names = "--ordered", arity = "0..1", fallbackValue = "true", paramLabel = "BOOL", description = "Answers in the order of the lines.")
    boolean ordered;

    @Option(names = "--shard", paramLabel = "K/N", description = "Only the K-th of N parts of the lines, K from 1; with an output of its own.")
    String shard = "1/1";

    @Option(names = "--time-limit", paramLabel = "S", converter = Converters.Seconds.class, description = "End in order after so many seconds, to be gone on with later.")
    Duration timeLimit;

    @Option(names = "--shutdown-timeout", paramLabel = "S", converter = Converters.Seconds.class,
            description = "Seconds that lines under way have to finish when the job is told to end (default: 5).")
    Duration shutdownTimeout = Duration.ofSeconds(5);

    @Option(names = "--dry-run", arity = "0..1", fallbackValue = "true", paramLabel = "BOOL",
            description = "Count lines and prompt tokens, answer a sample to estimate the time, write nothing.")
    boolean dryRun;

    @Option(names = "--retry-errors", arity = "0..1", fallbackValue = "true", paramLabel = "BOOL",
            description = "Empty the error file and try its lines once more.")
    boolean retryErrors;

    @Option(names = "--force", arity = "0..1", fallbackValue = "true", paramLabel = "BOOL",
            description = "Go on though the input, the model or a flag has changed, keeping what is written.")
    boolean force;

    @Option(names = "--window", paramLabel = "N", description = "Lines read together; those whose prompts begin alike run together (default: 4096).")
    int window = 4096;

    @Mixin
    BatchFleetFlags fleet = new BatchFleetFlags();

    @Mixin
    BatchFlags defaults = new BatchFlags();

    private final Stdio stdio;
    private final boolean alone;

    /** @param alone the process in which the job of another one runs suspected lines */
    BatchCommand(Stdio stdio, boolean alone) {
        this.stdio = stdio;
        this.alone = alone;
    }

    @Override
    public CommonFlags common() {
        return common;
    }

    @Override
    public int run() throws InterruptedException {
        fleet.check(spec.commandLine().getParseResult());
        BatchPlan plan = plan();
        if (alone) return serveAlone(plan);
        if (dryRun) return dryRun(plan);
        Stop stop = new Stop();
        List<Runnable> before = obeySignals(stop);
        try {
            return run(plan, stop);
        } finally {
            before.forEach(Runnable::run);
        }
    }

    private int run(BatchPlan plan, Stop stop) throws InterruptedException {
        Progress progress = new Progress(stdio.err(), stdio.isTerminal());
        List<String> args = spec.commandLine().getParseResult().originalArgs();
        try (BatchFleetFlags.Opener opener = fleet.opener(stdio)) {
            BatchJob job = new BatchJob(plan, opener, fleet.launcher(args), progress, stop, Version.CURRENT);
            Summary summary = job.run(stdio.in());
            stdio.out().println(summary.json());
            return say(summary);
        } catch (BatchException e) {
            return end(e);
        }
    }

    private BatchPlan plan() {
        if (input == null) throw CliException.askedWrongly("--input is needed");
        if (output == null && !dryRun) throw CliException.askedWrongly("--output is needed");
        try {
            return new BatchPlan(
                    input.toString().equals("-") ? Optional.empty() : Optional.of(input), output == null ? Path.of("none") : output, Shard.parse(shard),
                    defaults.defaults(), defaults.seed,
                    new RunSettings(ordered, window, Optional.ofNullable(timeLimit), shutdownTimeout, fleet.patience()), force, retryErrors);
        } catch (IllegalArgumentException e) {
            throw CliException.askedWrongly(e.getMessage());
        }
    }

    private int say(Summary summary) {
        int code = switch (summary.ending()) {
            case Ending.Complete complete -> {
                if (summary.failed() > 0) {
                    stdio.err().println(summary.failed() + " lines could not be answered: " + summary.errors() + " says why; --retry-errors tries them once more");
                }
                yield ExitCode.OK;
            }
            case Ending.Unfinished(String sentence) -> {
                stdio.err().println("skald: " + sentence);
                yield ExitCode.UNFINISHED;
            }
            case Ending.Broken(String sentence) -> {
                stdio.err().println("skald: " + sentence);
                yield ExitCode.INVARIANT_BROKEN;
            }
        };
        return code == ExitCode.OK && stdio.out().checkError() ? ExitCode.FAILED : code;
    }

    private int end(BatchException e) {
        switch (e.kind()) {
            case REFUSED -> throw CliException.askedWrongly(e.getMessage());
            case FAILED -> throw CliException.failed(e.getMessage());
            case UNFINISHED -> {
                stdio.err().println("skald: " + e.getMessage());
                return ExitCode.UNFINISHED;
            }
        }
        throw new IllegalStateException(e);
    }

    private int dryRun(BatchPlan plan) throws InterruptedException {
        try (BatchFleetFlags.Opener opener = fleet.opener(stdio); Fleet open = opener.open()) {
            stdio.out().println(new DryRun(plan, open).run());
            return ExitCode.OK;
        } catch (BatchException e) {
            return end(e);
        }
    }

    private int serveAlone(BatchPlan plan) throws InterruptedException {
        try (BatchFleetFlags.Opener opener = fleet.opener(stdio); Fleet open = opener.open()) {
            boolean well = new AloneServer(open, plan.defaults(), plan.seed()).run(stdio.in(), stdio.out());
            return well ? ExitCode.OK : ExitCode.INVARIANT_BROKEN;
        } catch (IOException e) {
            throw CliException.failed(e.getMessage());
        }
    }

    /** The first ends the job in order; the second at once, which costs only what was under way. @return put back what was there before */
    private List<Runnable> obeySignals(Stop stop) {
        AtomicInteger count = new AtomicInteger();
        return Stream.of("TERM", "INT").map(name -> Signals.handle(name, () -> {
            stop.request("SIG" + name);
            if (count.incrementAndGet() > 1) {
                stdio.err().println("skald: ended at once; the same command goes on");
                Runtime.getRuntime().halt(ExitCode.UNFINISHED);
            }
        })).toList();
    }
}
