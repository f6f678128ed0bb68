package dev.skald.gpucheck;

import dev.skald.gpucheck.KernelGroup.Output;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The same calls on the card and on the software device, which stands in for it where no card is: how far its twins are from the real instructions. */
final class DifferencePart implements Part {
    private static final String LIBRARIES = "LD_LIBRARY_PATH";
    private static final int SIMULATION_SECONDS = 150;

    @Override
    public String name() {
        return "difference";
    }

    @Override
    public String about() {
        return "The same calls on the card and on the software device: how far apart they are, kernel by kernel";
    }

    @Override
    public int limitSeconds() {
        return 240;
    }

    @Override
    public void run(Surroundings surroundings, Results results) throws Exception {
        Optional<Path> software = surroundings.softwareDevice();
        if (software.isEmpty()) {
            results.add(Result.skipped("difference", "there is no software device beside this program; the build makes one where it has a C++ compiler"));
            return;
        }
        Path file = Files.createTempFile(surroundings.out(), "simulated", ".outputs");
        try {
            List<String> command = Child.command(surroundings, surroundings.simulated() ? DumpPart.SAMPLE : DumpPart.ALL, Optional.of(software.get().resolve("kernels")));
            Map<String, String> environment = Map.of(LIBRARIES, software.get().toString(), DumpPart.FILE, file.toString());
            Path log = surroundings.out().resolve("difference-simulated.log");
            Child.Ended ended = Child.run(command, environment, log, SIMULATION_SECONDS, result -> {});
            if (ended.exit() != 0) {
                results.add(Result.failed("software device", "its process ended with " + ended.exit() + ": " + ended.tail()));
                return;
            }
            List<Output> simulated = KernelRuns.load(file);
            List<Output> card = DumpPart.outputs(surroundings, surroundings.simulated());
            Comparison.of(card, simulated).forEach((kernel, comparison) -> results.add(Result.measured(kernel, comparison.values())));
        } finally {
            Files.deleteIfExists(file);
        }
    }

    /** Writes kernels' outputs to a file. Runs in the software device's process only. @param sample as {@link KernelGroup#all} takes it */
    record DumpPart(boolean sample) implements Part {
        static final String ALL = "outputs";
        static final String SAMPLE = "outputs-sample";
        static final String FILE = "SKALD_GPU_CHECK_OUTPUTS";

        /** Empty for another name. */
        static Optional<Part> named(String name) {
            return name.equals(ALL) || name.equals(SAMPLE) ? Optional.of(new DumpPart(name.equals(SAMPLE))) : Optional.empty();
        }

        @Override
        public String name() {
            return sample ? SAMPLE : ALL;
        }

        @Override
        public String about() {
            return "Outputs of kernels, for another process";
        }

        @Override
        public int limitSeconds() {
            return SIMULATION_SECONDS;
        }

        static List<Output> outputs(Surroundings surroundings, boolean sample) throws Exception {
            List<Output> all = new ArrayList<>();
            for (KernelGroup group : KernelGroup.all(KernelRuns.supported(), sample)) all.addAll(KernelRuns.onCuda(group, surroundings, true));
            return all;
        }

        @Override
        public void run(Surroundings surroundings, Results results) throws Exception {
            String file = System.getenv(FILE);
            if (file == null) throw new IOException(FILE + " does not say where to");
            KernelRuns.save(outputs(surroundings, sample), Path.of(file));
        }
    }
}
