package dev.skald.gpucheck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.skald.compute.cuda.CudaDevice;
import dev.skald.compute.cuda.SimCuda;
import dev.skald.gpucheck.GpuCheck.Outcome;
import dev.skald.tensor.DType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** gpu-check on the software device: its parts in processes of their own, as on a card. */
class GpuCheckCudaTest {
    private static final Path HOME = Path.of(System.getProperty("skald.home", "target/skald"));
    private static final String KERNELS = "skald.cuda.kernels";
    private static final int HOUR = 3600;

    @TempDir
    Path out;

    private final ByteArrayOutputStream said = new ByteArrayOutputStream();

    @BeforeEach
    void needsTheDevice() {
        SimCuda.use();
        System.setProperty(KERNELS, SimCuda.kernels().toString());
    }

    @AfterEach
    void forget() {
        System.clearProperty(KERNELS);
    }

    private Outcome run(int budget, Map<String, String> more, String... only) throws IOException, InterruptedException {
        Map<String, String> environment = new java.util.HashMap<>(Map.of("LD_LIBRARY_PATH", SimCuda.folder().toString()));
        environment.putAll(more);
        GpuCheck.Settings settings = new GpuCheck.Settings(HOME, out, List.of(only), budget, "skald gpu-check", environment);
        return GpuCheck.run(settings, new PrintStream(said, true, StandardCharsets.UTF_8));
    }

    private JsonNode page() throws IOException {
        return new ObjectMapper().readTree(out.resolve("gpu-check.json").toFile());
    }

    private JsonNode part(String name) throws IOException {
        return StreamSupport.stream(page().get("parts").spliterator(), false).filter(p -> p.get("part").asText().equals(name)).findFirst().orElseThrow();
    }

    private JsonNode result(String part, String name) throws IOException {
        return StreamSupport.stream(part(part).get("results").spliterator(), false).filter(r -> r.get("name").asText().equals(name)).findFirst().orElseThrow();
    }

    @Test
    void whatASoftwareDeviceCanShowIsRightAndLabelledSimulated() throws Exception {
        Outcome outcome = run(HOUR, Map.of(), "kernels", "tokens", "engine", "card", "rates-llama-2-7b-bf16", "difference", "rates-llama-3-8b-q4_0");
        assertEquals(Outcome.GOOD, outcome, said.toString(StandardCharsets.UTF_8));
        assertTrue(page().get("simulated").asBoolean());
        for (JsonNode part : page().get("parts")) {
            assertTrue(part.get("simulated").asBoolean() && part.get("state").asText().equals("COMPLETE"), part.toString());
            for (JsonNode r : part.get("results")) assertFalse(r.get("kind").asText().equals("FAILED"), r.toString());
        }
        assertEquals(1.0, result("kernels", "rows").at("/values/embed/same_bits").asDouble());
        assertTrue(result("engine", "crowd").at("/values/preemptions").asInt() > 0);
        assertEquals(5, result("engine", "crowd").at("/values/same_tokens_as_alone").asInt());
        assertTrue(result("card", "bf16 products, mma.sync from registers").at("/values/tera_operations_per_s").asDouble() > 0);
        assertTrue(result("rates-llama-2-7b-bf16", "decode, 1 stream").at("/values/decode_tokens_per_s").asDouble() > 0);
        assertEquals("tiny", result("rates-llama-2-7b-bf16", "load").at("/values/shape").asText());
        for (JsonNode r : part("difference").get("results")) assertEquals(1.0, r.at("/values/same_bits").asDouble(), r.toString());
        JsonNode last = part("rates-llama-3-8b-q4_0").get("results").get(0);
        assertEquals(CudaDevice.supports(DType.Q4_0) ? "MEASURED" : "NOT_BUILT", last.get("kind").asText(), last.toString());

        String markdown = Files.readString(out.resolve("gpu-check.md"));
        assertTrue(markdown.startsWith("# gpu-check: Skald's software CUDA device (simulated)\n\n**Simulated.**"), markdown);
        List<String> unlabelled = markdown.lines().filter(l -> l.contains("| measured |") || l.contains("| passed |")).toList();
        assertEquals(List.of(), unlabelled);
    }

    @Test
    void partsOfSeveralCallsMakeOnePageIfTheyAreOfOneCardAndCommit() throws Exception {
        assertEquals(Outcome.GOOD, run(HOUR, Map.of(), "card"));
        assertEquals(Outcome.BAD, run(0, Map.of(), "kernels"), "a part that was not begun is not a good one");
        assertTrue(said.toString(StandardCharsets.UTF_8).contains("kernels: not begun"), said.toString(StandardCharsets.UTF_8));
        assertEquals(List.of("device", "card"), parts());
        Path kept = out.resolve("parts/card.json");
        Files.writeString(kept, Files.readString(kept).replace("software CUDA device", "other card"));
        assertEquals(Outcome.GOOD, run(HOUR, Map.of(), "device"));
        assertEquals(List.of("device"), parts());
    }

    private List<String> parts() throws IOException {
        return StreamSupport.stream(page().get("parts").spliterator(), false).map(p -> p.get("part").asText()).toList();
    }

    @Test
    void whatIsNoPartIsRefused() {
        String message = assertThrows(IllegalArgumentException.class, () -> run(HOUR, Map.of(), "kernel")).getMessage();
        assertTrue(message.startsWith("--only kernel is no part: expected some of device, kernels, "), message);
    }

    /** A tool of the same name that reports what it is told to. */
    @Tag("slow")
    @Test
    void theSanitizersSummaryDecides() throws Exception {
        Path tools = Files.createDirectory(out.resolve("tools"));
        Path sanitizer = Files.writeString(tools.resolve("compute-sanitizer"), """
                #!/bin/sh
                while [ "$1" != --log-file ]; do shift; done
                log=$2
                shift 4
                "$@"
                echo "========= ERROR SUMMARY: $FOUND errors" > "$log"
                """);
        Files.setPosixFilePermissions(sanitizer, PosixFilePermissions.fromString("rwxr-xr-x"));
        String path = tools + ":" + System.getenv("PATH");
        assertEquals(Outcome.GOOD, run(HOUR, Map.of("PATH", path, "FOUND", "0"), "memcheck"), said.toString(StandardCharsets.UTF_8));
        assertTrue(result("memcheck", "memcheck").at("/values/groups").asInt() >= 4);
        assertEquals(Outcome.BAD, run(HOUR, Map.of("PATH", path, "FOUND", "2"), "memcheck"));
    }
}
