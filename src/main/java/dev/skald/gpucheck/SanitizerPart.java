package dev.skald.gpucheck;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Every kernel once more under NVIDIA's compute-sanitizer, where it is. A part of its own for each tool, since each takes its time. */
final class SanitizerPart implements Part {
    /** "ERROR SUMMARY: 0 errors", or "RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)". */
    private static final Pattern SUMMARY = Pattern.compile("(ERROR|RACECHECK) SUMMARY: (\\d+) ");
    private static final Pattern FINDING = Pattern.compile("(?m)^=+ *(Invalid|Error|Warning|Race|Potential|Misaligned|Uninitialized|Barrier|Hazard).*$");
    private static final int LIMIT = 300;
    private static final List<Path> TOOLKITS = List.of(Path.of("/usr/local/cuda/bin"), Path.of("/usr/local/cuda/compute-sanitizer"), Path.of("/opt/cuda/bin"));

    private final String tool;

    /** @param tool as compute-sanitizer names it */
    SanitizerPart(String tool) {
        this.tool = tool;
    }

    @Override
    public String name() {
        return tool;
    }

    @Override
    public String about() {
        return "Every kernel under compute-sanitizer --tool " + tool;
    }

    @Override
    public int limitSeconds() {
        return LIMIT;
    }

    @Override
    public void run(Surroundings surroundings, Results results) throws Exception {
        Optional<Path> sanitizer = find();
        if (sanitizer.isEmpty()) {
            results.add(Result.skipped(tool, "there is no compute-sanitizer here"));
            return;
        }
        Path report = surroundings.out().resolve(tool + "-report.log");
        List<String> command = new ArrayList<>(List.of(
                sanitizer.get().toString(), "--tool", tool, "--log-file", report.toString(), "--print-limit", "20"));
        command.addAll(Child.command(surroundings, "kernels", Optional.empty()));
        Path log = surroundings.out().resolve(tool + "-kernels.log");
        List<Result> inside = new ArrayList<>();
        Child.Ended ended = Child.run(command, Map.of(), log, LIMIT - 15, result -> {
            synchronized (inside) {
                inside.add(result);
            }
        });
        results.add(judge(ended, report, inside));
    }

    /** @param inside what the kernels themselves found under the tool */
    Result judge(Child.Ended ended, Path report, List<Result> inside) throws IOException {
        String said = Files.exists(report) ? Files.readString(report, StandardCharsets.UTF_8) : "";
        Map<String, Object> values = Map.of("groups", inside.size(), "seconds", Result.round(ended.seconds()));
        Matcher summary = SUMMARY.matcher(said);
        if (ended.outOfTime()) return Result.failed(tool, "its time was over after " + inside.size() + " groups" + first(said), values);
        if (!summary.find()) return Result.failed(tool, "compute-sanitizer gave no summary: " + ended.tail(), values);
        if (!summary.group(2).equals("0")) return Result.failed(tool, summary.group() + "findings" + first(said), values);
        List<String> wrong = inside.stream().filter(r -> r.kind() == Result.Kind.FAILED).map(Result::name).toList();
        if (!wrong.isEmpty()) return Result.failed(tool, "the kernels computed wrongly under it: " + wrong, values);
        return Result.passed(tool, values);
    }

    private static String first(String said) {
        Matcher finding = FINDING.matcher(said);
        return finding.find() ? ", first: " + finding.group().replaceFirst("^=+ *", "") : "";
    }

    private static Optional<Path> find() {
        Stream<Path> path = Stream.of(System.getenv().getOrDefault("PATH", "").split(":")).filter(p -> !p.isEmpty()).map(Path::of);
        return Stream.concat(path, TOOLKITS.stream()).map(folder -> folder.resolve("compute-sanitizer")).filter(Files::isExecutable).findFirst();
    }
}
