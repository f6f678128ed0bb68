package dev.skald.cli;

import java.io.ByteArrayInputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine.Mixin;

/** Runs the common commands once, in a JVM that records which classes they load: a build makes its start-up cache with it. */
@picocli.CommandLine.Command(description = "Record a start-up cache.")
final class TrainCacheCommand implements dev.skald.cli.Command {
    private static final String PROMPT = "111+222=";

    @Mixin
    CommonFlags common = new CommonFlags();

    private final Stdio stdio;

    TrainCacheCommand(Stdio stdio) {
        this.stdio = stdio;
    }

    @Override
    public CommonFlags common() {
        return common;
    }

    @Override
    public int run() {
        PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
        Stdio quiet = new Stdio(nowhere, stdio.err(), new ByteArrayInputStream(new byte[0]), stdio.env());
        int worst = 0;
        worst = Math.max(worst, new Cli(quiet).run("generate", "--prompt", PROMPT, "--max-tokens", "4", "--json"));
        worst = Math.max(worst, new Cli(quiet).run("serve", "--port", "0", "--check", "--json"));
        return worst;
    }
}
