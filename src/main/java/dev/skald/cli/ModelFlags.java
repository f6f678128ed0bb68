package dev.skald.cli;

import dev.skald.boot.LocalEngine;
import dev.skald.boot.ModelFolder;
import dev.skald.client.SkaldClient;
import dev.skald.service.Inference;
import java.io.IOException;
import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParseResult;

/** A model to ask: one that this process runs, or a daemon's. */
final class ModelFlags {
    @Parameters(arity = "0..1", paramLabel = "MODEL", description = "A model folder in Hugging Face layout, a GGUF file or a packed file (default: the embedded skald-mini).")
    String model;

    @Option(names = "--endpoint", paramLabel = "HOST:PORT", description = "Ask a running daemon instead of loading a model.")
    String endpoint;

    @Mixin
    TlsFlags tls = new TlsFlags();

    @Mixin
    EngineFlags engine = new EngineFlags();

    /** A model that can be asked; closing it ends what was started for it. @param loadNanos what that took; 0 for a daemon's */
    record Opened(Inference inference, long loadNanos, AutoCloseable owner) implements AutoCloseable {
        @Override
        public void close() {
            try {
                owner.close();
            } catch (RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /**
     * @param given   which flags stand on the command line
     * @param choices answers that run at once
     * @throws CliException for flags that contradict each other
     * @throws dev.skald.boot.StartException if a model can't be started
     */
    Opened open(ParseResult given, int choices, Stdio stdio) {
        if (endpoint != null) return remote(given);
        LocalEngine local = LocalEngine.start(
                engine.personalOptions(ModelFolder.find(Optional.ofNullable(model)), choices), ProgressBar.of(stdio, "quantising"));
        stdio.err().println(local.report().deviceLine());
        return new Opened(local.inference(), local.report().loadNanos(), local);
    }

    private Opened remote(ParseResult given) {
        if (model != null) throw CliException.askedWrongly("MODEL has no meaning with --endpoint: the daemon has its model");
        for (String flag : EngineFlags.NAMES) {
            if (given.hasMatchedOption(flag)) throw CliException.askedWrongly(flag + " has no meaning with --endpoint: the daemon has its own");
        }
        try {
            SkaldClient daemon = new SkaldClient(tls.endpoint(endpoint));
            try {
                return new Opened(daemon.inference(), 0, daemon);
            } catch (RuntimeException e) {
                daemon.close();
                throw e;
            }
        } catch (IOException e) {
            throw CliException.failed(e.getMessage());
        }
    }
}
