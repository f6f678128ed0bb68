package dev.skald.cli;

import dev.skald.gpucheck.GpuCheck;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Hidden: one part of `skald gpu-check`, in the process that it starts for it. */
@picocli.CommandLine.Command(description = "One part of gpu-check, in a process of its own.")
final class GpuCheckPartCommand implements dev.skald.cli.Command {
    @Mixin
    CommonFlags common = new CommonFlags();

    @Parameters(paramLabel = "PART", description = "Its name.")
    String part;

    @Option(names = "--out", required = true, paramLabel = "DIR", description = "For whatever it leaves.")
    Path out;

    @Override
    public CommonFlags common() {
        return common;
    }

    @Override
    public int run() {
        try {
            return GpuCheck.runPart(part, GpuCheckCommand.home(), out) ? ExitCode.OK : ExitCode.FAILED;
        } catch (IOException e) {
            throw CliException.failed(e.getMessage());
        }
    }
}
