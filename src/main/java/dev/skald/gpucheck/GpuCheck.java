package dev.skald.gpucheck;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Runs the parts one after the other, each in a process of its own and under its own limit, and after each writes all that is known: gpu-check.json, and
 * gpu-check.md for src/docs/gpu. Belongs to the thread that calls it.
 */
public final class GpuCheck {
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
    private static final String PARTS = "parts";
    private static final String ENDING = ".json";
    private static final String DEVICE = "device";

    /**
     * @param home          folder of the distribution, or of an unpacked bundle
     * @param out           results are written there; those of an earlier call, for the same commit and card, are kept
     * @param only          parts to run; empty: all. The device's report always comes first
     * @param budgetSeconds no part is begun after so long; 0: the device's report only
     * @param command       as it was given, for the page
     * @param environment   of the parts' processes, on top of this one's
     */
    public record Settings(Path home, Path out, List<String> only, int budgetSeconds, String command, Map<String, String> environment) {
        /** @throws IllegalArgumentException naming the flag */
        public Settings {
            only = List.copyOf(only);
            environment = Map.copyOf(environment);
            for (String name : only) {
                if (Parts.named(name).isEmpty()) throw new IllegalArgumentException("--only " + name + " is no part: expected some of " + Parts.names());
            }
            if (budgetSeconds < 0) throw new IllegalArgumentException("--budget " + budgetSeconds + " is negative");
        }
    }

    /** How it ended. */
    public enum Outcome {
        GOOD,
        /** Something failed, or was not finished. */
        BAD,
        /** There is no card that could be checked. */
        NO_CARD
    }

    private final Settings settings;
    private final Surroundings surroundings;
    private final PrintStream progress;
    private final String commit;
    private String card = "";

    private GpuCheck(Settings settings, PrintStream progress) {
        this.settings = settings;
        this.progress = progress;
        surroundings = Surroundings.of(settings.home(), settings.out());
        commit = commit(surroundings.home());
    }

    /** Names of all parts, in the order in which they run. */
    public static String parts() {
        return Parts.names();
    }

    /** @param progress takes a line for each part */
    public static Outcome run(Settings settings, PrintStream progress) throws IOException, InterruptedException {
        return new GpuCheck(settings, progress).run();
    }

    /**
     * Runs one part in this process, which was started for it, and prints what it finds.
     *
     * @return whether it came to its end
     */
    @SuppressWarnings("IllegalCatch") // whatever a part throws is a finding
    public static boolean runPart(String name, Path home, Path out) throws IOException {
        Part part = DifferencePart.DumpPart.named(name).or(() -> Parts.named(name)).orElseThrow(() -> new IllegalArgumentException(name + " is no part"));
        Files.createDirectories(out);
        try {
            part.run(Surroundings.of(home, out), Child::print);
            return true;
        } catch (Exception | LinkageError e) {
            e.printStackTrace();
            Child.print(Result.failed(name, e.getMessage() == null ? e.toString() : e.getMessage()));
            return false;
        }
    }

    private Outcome run() throws IOException, InterruptedException {
        Files.createDirectories(surroundings.out().resolve(PARTS));
        long begun = System.nanoTime();
        PartRecord device = run(Parts.named(DEVICE).orElseThrow());
        card = device.results().stream().map(r -> r.values().get("card")).filter(c -> c != null).map(Object::toString).findFirst().orElse("");
        device = withCard(device);
        keep(device);
        if (!device.isGood()) return Outcome.NO_CARD;
        boolean good = true;
        for (Part part : Parts.all()) {
            if (part.name().equals(DEVICE) || !settings.only().isEmpty() && !settings.only().contains(part.name())) continue;
            long spent = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begun);
            if (spent >= settings.budgetSeconds()) {
                progress.println(part.name() + ": not begun, since " + spent + " s of " + settings.budgetSeconds() + " are over");
                good = false;
                continue;
            }
            PartRecord record = run(part);
            keep(record);
            good &= record.isGood();
        }
        return good ? Outcome.GOOD : Outcome.BAD;
    }

    private PartRecord run(Part part) throws IOException, InterruptedException {
        String date = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
        List<Result> results = new ArrayList<>();
        Path log = surroundings.out().resolve(part.name() + ".log");
        Child.Ended ended = Child.run(Child.command(surroundings, part.name(), Optional.empty()), settings.environment(), log, part.limitSeconds(), result -> {
            synchronized (results) {
                results.add(result);
            }
        });
        PartRecord.State state = ended.outOfTime() ? PartRecord.State.OUT_OF_TIME : ended.exit() == 0 ? PartRecord.State.COMPLETE : PartRecord.State.BROKEN_OFF;
        String detail = switch (state) {
            case COMPLETE -> "";
            case OUT_OF_TIME -> "ended after its limit of " + part.limitSeconds() + " s";
            case BROKEN_OFF -> "its process ended with " + ended.exit() + "; see " + log.getFileName();
        };
        List<Result> found;
        synchronized (results) {
            found = List.copyOf(results);
        }
        PartRecord record = new PartRecord(
                part.name(), part.about(), surroundings.simulated(), card, commit, settings.command(), date, Result.round(ended.seconds()), state, detail, found);
        say(record);
        return record;
    }

    private void say(PartRecord record) {
        Map<Result.Kind, Long> counts = new LinkedHashMap<>();
        for (Result.Kind kind : Result.Kind.values()) if (record.count(kind) > 0) counts.put(kind, record.count(kind));
        String found = String.join(", ", counts.entrySet().stream().map(e -> Page.word(e.getKey()) + " " + e.getValue()).toList());
        progress.printf(
                Locale.ROOT, "%-28s %6.1f s  %s%s%s%n", record.part(), record.seconds(), surroundings.simulated() ? "simulated: " : "", found,
                record.detail().isEmpty() ? "" : (found.isEmpty() ? "" : "; ") + record.detail());
        for (Result r : record.results()) if (r.kind() == Result.Kind.FAILED) progress.println("    " + r.name() + ": " + Page.shortened(r.detail()));
        progress.flush();
    }

    private PartRecord withCard(PartRecord r) {
        return new PartRecord(r.part(), r.about(), r.simulated(), card, r.commit(), r.command(), r.date(), r.seconds(), r.state(), r.detail(), r.results());
    }

    /** Writes the part's file, then the pages of all parts that belong together. */
    private void keep(PartRecord record) throws IOException {
        Path folder = surroundings.out().resolve(PARTS);
        write(folder.resolve(record.part() + ENDING), JSON.writeValueAsString(record));
        List<PartRecord> all = new ArrayList<>();
        for (Part part : Parts.all()) {
            Path file = folder.resolve(part.name() + ENDING);
            if (!Files.exists(file)) continue;
            PartRecord kept = JSON.readValue(file.toFile(), PartRecord.class);
            boolean belongs = kept.commit().equals(commit) && kept.simulated() == surroundings.simulated() && kept.card().equals(card);
            if (belongs) all.add(kept);
        }
        Page page = new Page(card, surroundings.simulated(), commit, all);
        write(surroundings.out().resolve("gpu-check.json"), JSON.writeValueAsString(page.fields()));
        write(surroundings.out().resolve("gpu-check.md"), page.markdown());
    }

    /** In one piece or not at all. */
    private static void write(Path file, String text) throws IOException {
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        Files.writeString(fresh, text, StandardCharsets.UTF_8);
        Files.move(fresh, file, java.nio.file.StandardCopyOption.REPLACE_EXISTING, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
    }

    /** As the bundle says; else of the source tree that this distribution lies in. */
    static String commit(Path home) {
        try {
            Path file = home.resolve("commit");
            if (Files.exists(file)) return Files.readString(file).strip();
            String head = git(home, "rev-parse", "--short=12", "HEAD");
            return head.isEmpty() ? "unknown" : head + (git(home, "status", "--porcelain", "--untracked-files=no").isEmpty() ? "" : " with changes");
        } catch (IOException e) {
            return "unknown";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "unknown";
        }
    }

    private static String git(Path home, String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("git", "-C", home.toString()));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        return process.waitFor() == 0 ? said : "";
    }
}
