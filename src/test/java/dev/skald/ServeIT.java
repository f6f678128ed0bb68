package dev.skald;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The packaged distribution, started as a user starts it. */
class ServeIT {
    private static final Path SKALD = Path.of(System.getProperty("skald.home"), "bin", "skald").toAbsolutePath();
    private static final long PATIENCE_SECONDS = 120;

    @TempDir
    private Path temp;

    @Test
    void theModelThatComesAlongAdds() throws Exception {
        assertEquals(new Result(0, "333\n"), run(Map.of(), "generate", "--prompt", "111+222="));
    }

    @Test
    void withoutALocaleAndWithAHomeThatCantBeWrittenChineseArrives() throws Exception {
        Result r = run(Map.of("LC_ALL", "C", "HOME", "/proc/1/nowhere"), "generate", "--prompt", "中国的首都是");
        assertEquals(0, r.exit());
        assertTrue(r.out().contains("北京"), r.out());
    }

    @Test
    void anyUserCanRunIt() throws Exception {
        assumeTrue("root".equals(System.getProperty("user.name")) && Files.isExecutable(Path.of("/usr/bin/setpriv")),
                "skipped: taking another user id needs root and setpriv");
        assumeTrue(readableByAll(SKALD), "skipped: the build folder is not readable by others");
        List<String> command = List.of("/usr/bin/setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", SKALD.toString(), "tokenize", "1+1=");
        assertEquals(0, finish(start(command, Map.of("HOME", "/nonexistent"))).exit());
    }

    @Test
    void servesAnswersAndEndsInOrder() throws Exception {
        Process daemon = serve();
        try {
            String endpoint = endpoint(daemon);
            assertEquals(new Result(0, "333\n"), run(Map.of(), "generate", "--endpoint", endpoint, "--prompt", "111+222="));
            assertEquals(new Result(0, "ready\n"), run(Map.of(), "health", endpoint));
            assertEquals(new Result(0, "ready\n"), run(Map.of(), "health", "--alive", endpoint));
            endsInOrder(daemon);
            assertEquals(new Result(1, ""), run(Map.of(), "health", endpoint), "nobody listens any more");
        } finally {
            daemon.destroyForcibly();
        }
    }

    @Test
    void aStreamUnderWayIsFinishedBeforeItEnds() throws Exception {
        Process daemon = serve();
        List<String> command = List.of(SKALD.toString(), "generate", "--endpoint", endpoint(daemon), "--prompt", "the", "--max-tokens", "2000", "--ignore-eos",
                "--temperature", "1", "--seed", "1");
        Process client = start(command, Map.of());
        try {
            int first = client.getInputStream().read();
            assertTrue(first >= 0, "the stream began");
            endsInOrder(daemon);
            client.getInputStream().readAllBytes();
            assertTrue(client.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS));
            assertEquals(0, client.exitValue(), "the stream was not cut");
        } finally {
            client.destroyForcibly();
            daemon.destroyForcibly();
        }
    }

    @Test
    void theExamplesRunAsTheyStand() throws Exception {
        Process daemon = serve();
        try {
            String endpoint = endpoint(daemon);
            String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
            String lib = SKALD.getParent().resolveSibling("lib") + "/*";
            List<String> command = List.of(java, "-cp", lib, "src/docs/examples/Generate.java", endpoint, "111+222=");
            assertEquals(new Result(0, "333\n"), finish(start(command, Map.of())));
            Path python = Path.of(".venv/bin/python").toAbsolutePath();
            assumeTrue(Files.isExecutable(python), "skipped: the Python example wants a .venv with grpcio and grpcio-tools");
            command = List.of(python.toString(), "src/docs/examples/generate.py", endpoint, "111+222=");
            assertEquals(new Result(0, "333\n[4 tokens]\n"), finish(start(command, Map.of())));
            assumeTrue(finish(start(List.of(python.toString(), "-c", "import grpc_reflection, grpc_health, grpc_status"), Map.of())).exit() == 0,
                    "skipped: the tour wants grpcio-reflection, grpcio-health-checking and grpcio-status in .venv");
            Result tour = finish(start(List.of(python.toString(), "src/docs/examples/tour.py", endpoint), Map.of()));
            assertEquals(0, tour.exit());
            assertEquals(
                    List.of("services: skald.v1.Inference, skald.v1.Models, skald.v1.Server", "health of '': SERVING", "health of 'skald.live': SERVING",
                            "chat: 法国的首都是巴黎。 (17 + 10 tokens)", "probabilities of 2 and 3: 1.000, 0.000",
                            "refused: INVALID_ARGUMENT - sampling.top_p 2.0 is outside [more than 0, 1.0]", "  reason: OUT_OF_RANGE", "  field: sampling.top_p",
                            "too late: DEADLINE_EXCEEDED"),
                    tour.out().lines().toList());
        } finally {
            daemon.destroyForcibly();
        }
    }

    private static Process serve() throws IOException {
        return start(List.of(SKALD.toString(), "serve", "--port", "0", "--json"), Map.of());
    }

    /** Waits until it serves. */
    private static String endpoint(Process daemon) throws IOException {
        String line = new BufferedReader(new InputStreamReader(daemon.getInputStream(), StandardCharsets.UTF_8)).readLine();
        return "127.0.0.1:" + new ObjectMapper().readTree(line).get("port").asInt();
    }

    /** By SIGTERM. */
    private static void endsInOrder(Process daemon) throws InterruptedException {
        daemon.destroy();
        assertTrue(daemon.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS));
        assertEquals(0, daemon.exitValue());
    }

    @Test
    void aPortInUseIsOneSentence() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress())) {
            Result r = run(Map.of(), "serve", "--port", Integer.toString(taken.getLocalPort()));
            assertEquals(new Result(1, ""), r);
        }
    }

    @Test
    void aTruncatedModelIsRefused() throws Exception {
        Path model = Path.of("src/skald-mini/model");
        try (var files = Files.list(model)) {
            for (Path f : files.toList()) Files.copy(f, temp.resolve(f.getFileName()));
        }
        byte[] weights = Files.readAllBytes(model.resolve("model.safetensors"));
        Files.write(temp.resolve("model.safetensors"), java.util.Arrays.copyOf(weights, weights.length / 2));
        assertEquals(new Result(1, ""), run(Map.of(), "serve", "--check", "--port", "0", temp.toString()));
    }

    @Test
    void whatIsAskedWronglyEndsWithTwo() throws Exception {
        assertEquals(2, run(Map.of(), "generate", "--prompt", "x", "--temprature", "1").exit());
        assertEquals(2, run(Map.of("SKALD__PORT", "many"), "serve").exit());
    }

    private static boolean readableByAll(Path file) throws IOException {
        for (Path p = file; p != null; p = p.getParent()) {
            if (!Files.getPosixFilePermissions(p).contains(java.nio.file.attribute.PosixFilePermission.OTHERS_EXECUTE)) return false;
        }
        return true;
    }

    private static Result run(Map<String, String> env, String... args) throws Exception {
        List<String> command = new ArrayList<>(List.of(SKALD.toString()));
        command.addAll(List.of(args));
        return finish(start(command, env));
    }

    private static Process start(List<String> command, Map<String, String> env) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().putAll(env);
        return builder.start();
    }

    private static Result finish(Process p) throws Exception {
        String out = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(p.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS));
        return new Result(p.exitValue(), out);
    }

    private record Result(int exit, String out) {}
}
