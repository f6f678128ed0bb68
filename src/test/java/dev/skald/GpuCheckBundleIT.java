package dev.skald;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The archive for a machine with a card: packed, unpacked elsewhere and run without Java, Maven and network in sight, on the software device. */
@Tag("slow")
class GpuCheckBundleIT {
    private static final Path SKALD = Path.of(System.getProperty("skald.home"), "bin", "skald").toAbsolutePath();
    private static final Path SIMULATED = Path.of("target/simcuda").toAbsolutePath();
    private static final long MOST_BYTES = 40L << 20;
    private static final int PATIENCE_MINUTES = 10;
    /** All that the bundle's script calls. */
    private static final List<String> TOOLS = List.of("sh", "dirname", "ldconfig", "grep", "tr", "sed");

    @TempDir
    private Path folder;

    private record Ended(int exit, String said) {}

    private Ended run(Path in, Map<String, String> environment, String... command) throws IOException, InterruptedException {
        Path said = Files.createTempFile(folder, "said", ".log");
        ProcessBuilder builder = new ProcessBuilder(command).directory(in.toFile()).redirectErrorStream(true).redirectOutput(said.toFile());
        if (!environment.isEmpty()) {
            builder.environment().clear();
            builder.environment().putAll(environment);
        }
        Process process = builder.start();
        try {
            assertTrue(process.waitFor(PATIENCE_MINUTES, TimeUnit.MINUTES), "did not end: " + Files.readString(said));
            return new Ended(process.exitValue(), Files.readString(said, StandardCharsets.UTF_8));
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    /** An environment with the script's tools and nothing else. */
    private Map<String, String> bare() throws IOException {
        Path bin = Files.createDirectory(folder.resolve("bin"));
        for (String tool : TOOLS) {
            Path found = Stream.of("/bin", "/usr/bin", "/sbin", "/usr/sbin").map(f -> Path.of(f, tool)).filter(Files::isExecutable).findFirst().orElseThrow();
            Files.createSymbolicLink(bin.resolve(tool), found);
        }
        return new TreeMap<>(Map.of("PATH", bin.toString(), "HOME", folder.toString()));
    }

    /** The command without a network, where this user may take it away. */
    private String[] offline(String... command) throws IOException, InterruptedException {
        boolean may = Files.isExecutable(Path.of("/usr/bin/unshare")) && run(folder, Map.of(), "/usr/bin/unshare", "-n", "true").exit() == 0;
        if (!may) System.out.println("gpu-check's bundle runs with the network on: this user may not take it away");
        List<String> all = new ArrayList<>(may ? List.of("/usr/bin/unshare", "-n") : List.of());
        all.addAll(List.of(command));
        return all.toArray(String[]::new);
    }

    private static JsonNode page(Path results) throws IOException {
        return new ObjectMapper().readTree(results.resolve("gpu-check.json").toFile());
    }

    private static List<String> wrong(JsonNode page) {
        List<String> wrong = new ArrayList<>();
        for (JsonNode part : page.get("parts")) {
            if (!part.get("state").asText().equals("COMPLETE")) wrong.add(part.get("part") + " is " + part.get("state") + ": " + part.get("detail"));
            for (JsonNode r : part.get("results")) if (r.get("kind").asText().equals("FAILED")) wrong.add(part.get("part") + ": " + r);
        }
        return wrong;
    }

    @Test
    void theBundleRunsWhereThereIsNothing() throws Exception {
        assumeTrue(Files.exists(SIMULATED.resolve("kernels")), "skipped: no software CUDA device in target/simcuda; building it needs g++ on Linux x86-64");
        for (String tool : List.of("tar", "xz", "gcc")) {
            assumeTrue(Stream.of(System.getenv("PATH").split(":")).anyMatch(f -> Files.isExecutable(Path.of(f, tool))), "skipped: there is no " + tool + " here");
        }
        Path archive = folder.resolve("gpu-check.tar.xz");
        Ended packed = run(Path.of("").toAbsolutePath(), Map.of(), SKALD.toString(), "gpu-check", "--bundle", archive.toString());
        assertEquals(0, packed.exit(), packed.said());
        assertTrue(Files.size(archive) <= MOST_BYTES, Files.size(archive) + " bytes");
        Path there = Files.createDirectory(folder.resolve("there"));
        assertEquals(0, run(there, Map.of(), "tar", "xf", archive.toString()).exit());
        Map<String, String> bare = bare();

        // as where no card is
        Ended simulated = run(there, bare, offline(there + "/gpu-check/gpu-check", "--simulated"));
        assertEquals(0, simulated.exit(), simulated.said());
        JsonNode page = page(there.resolve("gpu-check-results"));
        assertTrue(page.get("simulated").asBoolean());
        assertEquals(List.of(), wrong(page));
        for (JsonNode part : page.get("parts")) {
            for (JsonNode r : part.get("results")) if (r.get("kind").asText().equals("SKIPPED")) System.out.println("gpu-check skips " + r.get("name") + ": " + r.get("detail"));
        }

        // as where a driver is and CUDA 13 alone: libraries where the loader is told to look, and kernels that this device takes
        Path libraries = Files.createDirectory(folder.resolve("libraries"));
        Files.copy(SIMULATED.resolve("libcuda.so.1"), libraries.resolve("libcuda.so.1"));
        Files.copy(SIMULATED.resolve("libcublas.so.12"), libraries.resolve("libcublas.so.13"));
        bare.put("LD_LIBRARY_PATH", libraries.toString());
        bare.put("JAVA_TOOL_OPTIONS", "-Dskald.cuda.kernels=" + SIMULATED.resolve("kernels"));
        Ended kernels = run(there, bare, there + "/gpu-check/gpu-check", "--only", "kernels,card", "--out", there.resolve("more").toString());
        assertEquals(0, kernels.exit(), kernels.said());
        assertEquals(List.of(), wrong(page(there.resolve("more"))));
        assertTrue(Files.readString(there.resolve("more/gpu-check.md")).contains("| bf16 products, cuBLAS | measured, simulated |"));
    }
}
