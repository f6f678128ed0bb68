package dev.skald.cli;

import dev.skald.client.SkaldClient;
import dev.skald.service.Health;
import java.io.IOException;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** `skald health`: what a container's health check or a script asks, where no gRPC probe is at hand. */
@picocli.CommandLine.Command(description = {
    "Ask a daemon whether it is ready to take requests, over grpc.health.v1; exit code 0 if so, 1 if not.",
    "A daemon that loads or drains is alive and not ready; one that is stuck or broken is neither."})
final class HealthCommand implements dev.skald.cli.Command {
    @Mixin
    CommonFlags common = new CommonFlags();

    @Parameters(arity = "1", paramLabel = "HOST:PORT", description = "The daemon.")
    String endpoint;

    @Option(names = "--alive", arity = "0..1", fallbackValue = "true", paramLabel = "BOOL", description = "Ask whether it is alive instead: whether a restart would do no good.")
    boolean alive;

    @Mixin
    TlsFlags tls = new TlsFlags();

    private final Stdio stdio;

    HealthCommand(Stdio stdio) {
        this.stdio = stdio;
    }

    @Override
    public CommonFlags common() {
        return common;
    }

    @Override
    public int run() {
        try (SkaldClient daemon = new SkaldClient(tls.endpoint(endpoint))) {
            Health health = daemon.health();
            stdio.out().println(health.ready() ? "ready" : health.alive() ? "alive, not ready" : "not alive");
            return (alive ? health.alive() : health.ready()) ? ExitCode.OK : ExitCode.FAILED;
        } catch (IllegalArgumentException e) {
            throw CliException.askedWrongly(e.getMessage());
        } catch (IOException e) {
            throw CliException.failed(e.getMessage());
        }
    }
}
