package dev.skald.cli;

import dev.skald.boot.EngineOptions;
import dev.skald.boot.LocalEngine;
import dev.skald.boot.ModelFolder;
import dev.skald.grpc.Door;
import dev.skald.grpc.DoorConfig;
import java.io.IOException;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** `skald serve`: the daemon, until it is told to end. */
@Command(description = "Start the daemon: gRPC on a port of this machine. Ends in order on SIGTERM and SIGINT; a second signal ends it at once.")
final class ServeCommand implements dev.skald.cli.Command {
    @Parameters(arity = "0..1", paramLabel = "MODEL", description = "A model folder in Hugging Face layout, a GGUF file or a packed file (default: the embedded skald-mini).")
    String model;

    @Option(names = "--served-model-name", paramLabel = "NAME", description = "What requests call the model (default: the folder's or file's name).")
    String servedModelName;

    @Option(names = "--check", arity = "0..1", fallbackValue = "true", paramLabel = "BOOL", description = "Start, generate one token, say so, and exit.")
    boolean check;

    @Option(names = "--json", arity = "0..1", fallbackValue = "true", paramLabel = "BOOL",
            description = "Print one JSON object with the ports once it serves.")
    boolean json;

    @Mixin
    DoorFlags door = new DoorFlags();

    @Mixin
    EngineFlags engine = new EngineFlags();

    @Mixin
    DoorLimitFlags limits = new DoorLimitFlags();

    @Mixin
    CommonFlags common = new CommonFlags();

    private final Stdio stdio;

    ServeCommand(Stdio stdio) {
        this.stdio = stdio;
    }

    @Override
    public CommonFlags common() {
        return common;
    }

    @Override
    public int run() throws InterruptedException {
        long jvmNanos = Uptime.nanos();
        EngineOptions options = engine.options(ModelFolder.find(Optional.ofNullable(model)), Optional.ofNullable(servedModelName));
        DoorConfig config = door.config(limits.limits(options.limits().slowReaderTimeout()));
        ServeLoop loop = new ServeLoop(stdio, door.drainDelay, door.shutdownTimeout);
        if (!check) loop.obeySignals();
        long begun = System.nanoTime();
        // The port first: whoever probes sees NOT_SERVING while the model loads, and a port in use costs no loading.
        try (Door open = Door.open(config)) {
            long netNanos = System.nanoTime() - begun;
            try (LocalEngine local = LocalEngine.start(options, ProgressBar.of(stdio, "quantising"))) {
                loop.beginServing();
                open.serve(local.inference(), local.operations());
                new ServeBanner(stdio, json).print(config, open, local.report(), jvmNanos, netNanos);
                return check ? ExitCode.OK : loop.run(open, local.engine());
            }
        } catch (IOException e) {
            throw CliException.failed(e.getMessage());
        }
    }
}
