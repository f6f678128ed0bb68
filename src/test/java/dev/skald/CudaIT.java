package dev.skald;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The packaged distribution asked for a GPU on machines that lack one thing or another. */
class CudaIT {
    private static final Path SKALD = Path.of(System.getProperty("skald.home"), "bin", "skald").toAbsolutePath();
    private static final Path SIMULATED = Path.of("target/simcuda").toAbsolutePath();
    private static final long PATIENCE_SECONDS = 120;

    @TempDir
    private Path folder;

    private record Ended(int exit, String out, String err) {}

    private static Ended skald(Map<String, String> environment, String... args) throws IOException, InterruptedException {
        List<String> command = new java.util.ArrayList<>(List.of(SKALD.toString()));
        command.addAll(List.of(args));
        Path out = Files.createTempFile("skald", ".out");
        Path err = Files.createTempFile("skald", ".err");
        ProcessBuilder builder = new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
        builder.environment().putAll(environment);
        Process process = builder.start();
        try {
            assertTrue(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS), "did not end: " + Files.readString(err));
            return new Ended(process.exitValue(), Files.readString(out), Files.readString(err));
        } finally {
            process.destroyForcibly();
            Files.delete(out);
            Files.delete(err);
        }
    }

    private static void needsNoDriver() {
        try (Arena arena = Arena.ofConfined()) {
            SymbolLookup.libraryLookup("libcuda.so.1", arena);
        } catch (IllegalArgumentException e) {
            return;
        }
        assumeTrue(false, "skipped: this machine has an NVIDIA driver");
    }

    private static void needsSimulation() {
        assumeTrue(Files.exists(SIMULATED.resolve("kernels")), "skipped: no software CUDA device in target/simcuda; building it needs g++ on Linux x86-64");
    }

    /** As it says it of {@code serve}; without the note on JAVA_TOOL_OPTIONS. */
    private static Map<String, String> simulated(Path libraries) {
        return new TreeMap<>(Map.of("LD_LIBRARY_PATH", libraries.toString(), "JAVA_TOOL_OPTIONS", "-Dskald.cuda.kernels=" + SIMULATED.resolve("kernels")));
    }

    @Test
    void withoutADriverServeSaysSoAndEndsWithTwo() throws Exception {
        needsNoDriver();
        Ended ended = skald(Map.of(), "serve", "--device", "cuda", "--port", "0");
        assertEquals(new Ended(2, "", "skald: --device cuda: no NVIDIA driver is installed (libcuda.so.1 was not found)\n"), ended);
        Ended check = skald(Map.of(), "gpu-check", "--out", folder.toString());
        assertEquals(2, check.exit());
        assertTrue(check.err().contains("device: no NVIDIA driver is installed (libcuda.so.1 was not found)"), check.err());
        assertTrue(Files.readString(folder.resolve("gpu-check.md")).startsWith("# gpu-check: no card\n"));
    }

    @Test
    void autoSaysWhatItChoseAndWhy() throws Exception {
        needsNoDriver();
        Ended ended = skald(Map.of(), "serve", "--check", "--device", "auto");
        assertEquals(0, ended.exit(), ended.err());
        assertTrue(ended.err().contains("auto takes the CPU: no NVIDIA driver is installed (libcuda.so.1 was not found)"), ended.err());
    }

    /** A driver that finds no card: each of its functions answers CUDA_ERROR_NO_DEVICE. */
    @Test
    void withADriverAndNoCardServeSaysSoAndEndsWithTwo() throws Exception {
        needsSimulation();
        StringBuilder source = new StringBuilder();
        for (String name : Files.readAllLines(Path.of("native/simcuda/driver-symbols.txt"))) {
            if (!name.isBlank()) source.append("int ").append(name.strip()).append("(void) { return 100; }\n");
        }
        Path c = Files.writeString(folder.resolve("driver.c"), source.toString());
        Process compiler = new ProcessBuilder("gcc", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-w", "-o", folder.resolve("libcuda.so.1").toString(), c.toString())
                .redirectErrorStream(true)
                .start();
        String said = new String(compiler.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, compiler.waitFor(), said);
        Ended ended = skald(Map.of("LD_LIBRARY_PATH", folder.toString()), "serve", "--device", "cuda", "--port", "0");
        assertEquals(
                new Ended(2, "", "skald: --device cuda: the NVIDIA driver finds no card it can use: cuInit failed with CUDA_ERROR_NO_DEVICE (100)\n"), ended);
    }

    @Test
    void withoutCublasOwnKernelsDoEverythingAndALineSaysSo() throws Exception {
        needsSimulation();
        Files.copy(SIMULATED.resolve("libcuda.so.1"), folder.resolve("libcuda.so.1"));
        Ended ended = skald(simulated(folder), "generate", "--device", "cuda", "--prompt", "1+1=", "--max-tokens", "2", "--log-level", "info", "--max-model-len", "64");
        assertEquals(0, ended.exit(), ended.err());
        assertEquals("2\n", ended.out());
        Ended check = skald(simulated(folder), "gpu-check", "--only", "card", "--out", folder.resolve("results").toString());
        assertEquals(0, check.exit(), check.err());
        String page = Files.readString(folder.resolve("results/gpu-check.md"));
        assertTrue(page.contains("no libcublas.so.12 was found, so own kernels do everything"), page);
        assertTrue(page.contains("| bf16 products, cuBLAS | skipped |"), page);
    }

    /** A machine with CUDA 13 only: its cuBLAS has another name, and the forwarding library the old one. */
    @Test
    void aForwardingCublasBringsCuda13s() throws Exception {
        needsSimulation();
        Process build = new ProcessBuilder("sh", "native/cublas13/build.sh", folder.toString()).redirectErrorStream(true).start();
        String said = new String(build.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, build.waitFor(), said);
        Files.copy(SIMULATED.resolve("libcuda.so.1"), folder.resolve("libcuda.so.1"));
        Files.copy(SIMULATED.resolve("libcublas.so.12"), folder.resolve("libcublas.so.13"));
        Ended check = skald(simulated(folder), "gpu-check", "--only", "card", "--out", folder.resolve("results").toString());
        assertEquals(0, check.exit(), check.err());
        String page = Files.readString(folder.resolve("results/gpu-check.md"));
        assertTrue(page.contains("| bf16 products, cuBLAS | measured, simulated |"), page);
        assertFalse(page.contains("| skipped |  |  | there is no libcublas"), page);
    }
}
