package dev.skald.cli;

import dev.skald.gpucheck.Bundle;
import dev.skald.gpucheck.GpuCheck;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** `skald gpu-check`: what a machine with a card runs once. */
@picocli.CommandLine.Command(description = {
    "Check this machine's NVIDIA card and measure it: kernels against the reference, skald-mini, the engine, then rates.",
    "Writes gpu-check.json and gpu-check.md, anew after each part. With --bundle: pack it for a machine without Java, Maven and network."})
final class GpuCheckCommand implements dev.skald.cli.Command {
    private static final int HOUR = 3600;

    @Mixin
    CommonFlags common = new CommonFlags();

    @Option(names = "--only", paramLabel = "PART,…", split = ",", description = "Run these parts only (default: all): see --list.")
    List<String> only = List.of();

    @Option(names = "--list", arity = "0..1", fallbackValue = "true", paramLabel = "BOOL", description = "Print the parts' names, in the order in which they run.")
    boolean list;

    @Option(names = "--out", paramLabel = "DIR",
            description = "Where results go (default: gpu-check-results). Those of an earlier call for the same card and commit are kept.")
    Path out = Path.of("gpu-check-results");

    @Option(names = "--budget", paramLabel = "S", description = "Begin no part after so many seconds (default: 3600).")
    int budget = HOUR;

    @Option(names = "--bundle", paramLabel = "FILE.tar.xz",
            description = "Check nothing; write an archive that unpacks and runs on an x86-64 Linux with nothing but a driver.")
    Path bundle;

    private final Stdio stdio;

    GpuCheckCommand(Stdio stdio) {
        this.stdio = stdio;
    }

    @Override
    public CommonFlags common() {
        return common;
    }

    @Override
    public int run() throws InterruptedException {
        if (list) {
            stdio.out().println(GpuCheck.parts());
            return ExitCode.OK;
        }
        Path home = home();
        try {
            if (bundle != null) {
                stdio.err().println(Bundle.write(home, bundle));
                return ExitCode.OK;
            }
            GpuCheck.Settings settings = new GpuCheck.Settings(home, out, only, budget, line(), Map.of());
            GpuCheck.Outcome outcome = GpuCheck.run(settings, stdio.err());
            stdio.out().println(out.resolve("gpu-check.md"));
            return switch (outcome) {
                case GOOD -> ExitCode.OK;
                case BAD -> ExitCode.FAILED;
                case NO_CARD -> ExitCode.ASKED_WRONGLY;
            };
        } catch (IllegalArgumentException e) {
            throw CliException.askedWrongly(e.getMessage());
        } catch (IOException e) {
            throw CliException.failed(e.getMessage());
        }
    }

    static Path home() {
        String home = System.getProperty("skald.home", "");
        if (home.isEmpty()) throw CliException.failed("skald.home does not say where the distribution lies");
        return Path.of(home);
    }

    /** As it could be given again. */
    private String line() {
        String parts = only.isEmpty() ? "" : " --only " + String.join(",", only);
        return "skald gpu-check" + parts + (budget == HOUR ? "" : " --budget " + budget) + " --out " + out;
    }
}
