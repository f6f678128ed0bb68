package dev.skald.cli;

import dev.skald.batch.AloneLauncher;
import dev.skald.batch.BatchException;
import dev.skald.batch.BatchJob;
import dev.skald.batch.Fleet;
import dev.skald.boot.EngineOptions;
import dev.skald.boot.LocalEngine;
import dev.skald.boot.ModelFolder;
import dev.skald.client.Endpoint;
import dev.skald.engine.EngineHealth;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParseResult;

/** Who answers a batch: a model that this process runs, or daemons. */
final class BatchFleetFlags {
    /** For the first daemon to answer at the start: a wrong address should not cost a lunch. */
    private static final long FIRST_ANSWER_MILLIS = 10_000;

    @Parameters(arity = "0..1", paramLabel = "MODEL", description = "A model folder in Hugging Face layout, a GGUF file or a packed file (default: the embedded skald-mini).")
    String model;

    @Option(names = "--served-model-name", paramLabel = "NAME", description = "What lines call the model (default: the folder's name).")
    String servedModelName;

    @Option(names = "--endpoint", paramLabel = "HOST:PORT,…", split = FlagSources.SEPARATOR,
            description = "Running daemons instead of a model loaded here. Repeatable.")
    List<String> endpointLists = List.of();

    @Option(names = "--mixed-fleet", arity = "0..1", fallbackValue = "true", paramLabel = "BOOL",
            description = "Daemons may differ in fingerprint; then a line's answer depends on which one gave it.")
    boolean mixedFleet;

    @Option(names = "--in-flight", paramLabel = "N",
            description = "Sequences given to the engine, or to each daemon, at a time (default: twice as many as it runs at once).")
    Integer inFlight;

    @Option(names = "--patience", paramLabel = "S", converter = Converters.Seconds.class,
            description = "Seconds without any daemon until the job ends, to be gone on with later (default: 120).")
    Duration patience = Duration.ofSeconds(120);

    @Mixin
    TlsFlags tls = new TlsFlags();

    @Mixin
    EngineFlags engine = new EngineFlags();

    private List<String> endpoints() {
        return endpointLists.stream().flatMap(list -> Arrays.stream(list.split(","))).map(String::strip).filter(e -> !e.isEmpty()).toList();
    }

    Duration patience() {
        return patience;
    }

    /** @throws CliException for flags that contradict each other */
    void check(ParseResult given) {
        if (inFlight != null && inFlight < 1) throw CliException.askedWrongly("--in-flight " + inFlight + " is less than 1");
        if (endpoints().isEmpty()) {
            if (mixedFleet) throw CliException.askedWrongly("--mixed-fleet needs --endpoint");
            return;
        }
        if (model != null) throw CliException.askedWrongly("MODEL has no meaning with --endpoint: the daemon has its model");
        if (servedModelName != null) throw CliException.askedWrongly("--served-model-name has no meaning with --endpoint: the daemon has its own");
        for (String flag : EngineFlags.NAMES) {
            if (given.hasMatchedOption(flag)) throw CliException.askedWrongly(flag + " has no meaning with --endpoint: the daemon has its own");
        }
    }

    /** Opens what answers; closing it ends an engine of this process. */
    final class Opener implements BatchJob.FleetOpener, AutoCloseable {
        private final Stdio stdio;
        private Optional<LocalEngine> local = Optional.empty();

        private Opener(Stdio stdio) {
            this.stdio = stdio;
        }

        @Override
        public Fleet open() throws InterruptedException {
            return endpoints().isEmpty() ? embedded() : remote();
        }

        private Fleet embedded() {
            EngineOptions options = engine.options(ModelFolder.find(Optional.ofNullable(model)), Optional.ofNullable(servedModelName));
            LocalEngine started = LocalEngine.start(options, ProgressBar.of(stdio, "quantising"));
            local = Optional.of(started);
            stdio.err().println(started.report().deviceLine());
            stdio.err().println(started.report().modelLine());
            int most = options.limits().maxNumSeqs() + options.limits().queueSize();
            int capacity = Math.min(most, inFlight == null ? 2 * options.limits().maxNumSeqs() : inFlight);
            return Fleet.local(started.inference(), () -> broken(started), capacity);
        }

        private static Optional<String> broken(LocalEngine engine) {
            return engine.engine().health() instanceof EngineHealth.Broken broken ? Optional.of("the engine is broken: " + broken.cause()) : Optional.empty();
        }

        private Fleet remote() throws InterruptedException {
            try {
                List<Endpoint> targets = endpoints().stream().map(tls::endpoint).toList();
                OptionalInt asked = inFlight == null ? OptionalInt.empty() : OptionalInt.of(inFlight);
                return Fleet.remote(targets, asked, mixedFleet, FIRST_ANSWER_MILLIS);
            } catch (IllegalArgumentException e) {
                throw CliException.askedWrongly("--" + e.getMessage());
            } catch (IOException e) {
                throw new BatchException(BatchException.Kind.FAILED, e.getMessage(), e);
            }
        }

        @Override
        public void close() {
            local.ifPresent(LocalEngine::close);
        }
    }

    Opener opener(Stdio stdio) {
        return new Opener(stdio);
    }

    /** Starts a JVM like this one with the same flags. @param args of this command; empty where daemons answer: they are what may die */
    Optional<AloneLauncher> launcher(List<String> args) {
        if (!endpoints().isEmpty()) return Optional.empty();
        return Optional.of(() -> {
            List<String> command = new ArrayList<>();
            command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
            command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
            command.addAll(List.of("-cp", System.getProperty("java.class.path"), "dev.skald.Skald", "batch-alone"));
            command.addAll(args);
            return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        });
    }
}
