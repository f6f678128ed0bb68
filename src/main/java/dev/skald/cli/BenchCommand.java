package dev.skald.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.skald.bench.BenchException;
import dev.skald.bench.BenchPlot;
import dev.skald.bench.EngineBench;
import dev.skald.bench.Measurement;
import dev.skald.bench.ModelCost;
import dev.skald.boot.Distribution;
import dev.skald.boot.EngineOptions;
import dev.skald.boot.LocalEngine;
import dev.skald.boot.ModelFolder;
import dev.skald.boot.StartReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** `skald bench`: how fast a model runs here, beside what the machine could do. */
@picocli.CommandLine.Command(description = "Measure prefill and decode of a model on this machine, beside the machine's own limits measured in the same run.")
final class BenchCommand implements dev.skald.cli.Command {
    @Mixin
    CommonFlags common = new CommonFlags();

    @Parameters(arity = "0..1", paramLabel = "MODEL", description = "A model folder in Hugging Face layout, a GGUF file or a packed file (default: the embedded skald-mini).")
    String model;

    @Option(names = "--shape", paramLabel = "S",
            description = "Instead of MODEL: random weights of a published shape, such as llama-2-7b, made in memory in the type of --quantize or --dtype.")
    String shape;

    @Option(names = "-p", paramLabel = "N", description = "Prompt tokens (default: 512).")
    int promptTokens = 512;

    @Option(names = "-n", paramLabel = "N", description = "Generated tokens (default: 128).")
    int genTokens = 128;

    @Option(names = "--streams", paramLabel = "N,…", split = ",", description = "Requests at once, one measurement each (default: 1,4,16).")
    List<Integer> streams = List.of(1, 4, 16);

    @Option(names = "-r", paramLabel = "N", description = "Runs, of which the median is taken (default: 5).")
    int runs = 5;

    @Option(names = "--seed", paramLabel = "N", description = "Of the prompts, and of random weights (default: 1).")
    long seed = 1;

    @Option(names = "--json", arity = "0..1", fallbackValue = "true", paramLabel = "BOOL", description = "Print one JSON object per measurement.")
    boolean json;

    @Option(names = "--plot", paramLabel = "F.svg", description = "Draw the measurements into this file too.")
    Path plot;

    @Mixin
    EngineFlags engine = new EngineFlags();

    private static final long RUN_TIMEOUT_SECONDS = 3600;

    private final Stdio stdio;
    private final List<Measurement> measured = new ArrayList<>();

    BenchCommand(Stdio stdio) {
        this.stdio = stdio;
    }

    @Override
    public CommonFlags common() {
        return common;
    }

    @Override
    public int run() throws InterruptedException {
        if (shape != null && model != null) throw CliException.askedWrongly("MODEL has no meaning with --shape");
        Path path = shape == null ? ModelFolder.find(Optional.ofNullable(model)) : Path.of(MakeModelCommand.shape(shape).label());
        EngineOptions options = engine.options(path, Optional.empty());
        try (LocalEngine local = start(options)) {
            stdio.err().println(local.report().deviceLine());
            EngineBench.Settings settings = new EngineBench.Settings(promptTokens, genTokens, streams, runs, seed, RUN_TIMEOUT_SECONDS);
            if (settings.mostStreams() > options.limits().maxNumSeqs()) {
                throw CliException.askedWrongly("--streams " + settings.mostStreams() + " is more than --max-num-seqs " + options.limits().maxNumSeqs());
            }
            if (!json) stdio.out().println("streams   prefill tok/s   decode tok/s    ttft p50 ms   itl p50 ms   read GB/s   of bandwidth       of peak   engine overhead");
            new EngineBench(local.engine()::submit, local.engine()::snapshot, subject(local), settings, Distribution.nativeFolder()).run(this::print);
            if (plot != null) Files.writeString(plot, BenchPlot.svg(measured));
            return stdio.out().checkError() ? ExitCode.FAILED : ExitCode.OK;
        } catch (IllegalArgumentException e) {
            throw CliException.askedWrongly(e.getMessage());
        } catch (BenchException e) {
            throw CliException.failed(e.getMessage());
        } catch (IOException e) {
            throw CliException.failed(plot + " can't be written: " + e.getMessage());
        }
    }

    private LocalEngine start(EngineOptions options) {
        if (shape == null) return LocalEngine.start(options, ProgressBar.of(stdio, "quantising"));
        return LocalEngine.start(options, MakeModelCommand.shape(shape), seed);
    }

    private static Measurement.Subject subject(LocalEngine local) {
        StartReport report = local.report();
        return new Measurement.Subject(
                report.model().name(), report.device().backend(), report.device().isa(), report.model().dtype(), report.device().threads(),
                report.model().vocabularySize(), ModelCost.of(local.spec(), local.decodeBytes()));
    }

    private void print(Measurement m) {
        measured.add(m);
        if (json) {
            try {
                stdio.out().println(new ObjectMapper().writeValueAsString(m.fields()));
            } catch (JsonProcessingException e) {
                throw new IllegalStateException(e);
            }
        } else {
            stdio.out().printf(
                    Locale.ROOT, "%7d %15.1f %14s %14.1f %12s %11.1f %14s %13s %17s%n",
                    m.streams(), m.prefillRate(), number(m.decodeRate(), "%.1f", 1), m.ttftMillis(), number(m.itlMillis(), "%.2f", 1), m.readGigabytes(),
                    number(m.bandwidthShare(), "%.1f %%", 100), number(m.peakShare(), "%.1f %%", 100),
                    number(m.overhead(), "%.2f %%", 100));
        }
        stdio.out().flush();
    }

    private static String number(OptionalDouble value, String format, double scale) {
        return value.isEmpty() ? "–" : String.format(Locale.ROOT, format, value.getAsDouble() * scale);
    }
}
