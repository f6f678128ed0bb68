package dev.skald;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/** Starts the packaged `skald batch` and `skald serve`. */
final class PackagedBatch {
    static final Path SKALD = Path.of(System.getProperty("skald.home"), "bin", "skald").toAbsolutePath();
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long PATIENCE_SECONDS = 240;

    private final Path folder;
    private final Map<Process, Path> errors = new ConcurrentHashMap<>();

    PackagedBatch(Path folder) {
        this.folder = folder;
    }

    /** @param summary missing where nothing was printed */
    record Ended(int exit, JsonNode summary, String err) {}

    Path write(String name, List<String> lines) throws IOException {
        return Files.write(folder.resolve(name), lines);
    }

    /** Lines that ask for sums, drawn with a seed of their own, of {@code tokens} each. */
    Path sums(String name, int lines, int tokens) throws IOException {
        List<String> all = new ArrayList<>();
        for (int i = 0; i < lines; i++) {
            all.add("{\"custom_id\":\"sum-" + i + "\",\"method\":\"POST\",\"url\":\"/v1/completions\",\"body\":{\"prompt\":\"" + i % 100 + "+" + i / 3
                    + "=\",\"max_tokens\":" + tokens + ",\"temperature\":1,\"ignore_eos\":true}}");
        }
        return write(name, all);
    }

    Process start(String... args) throws IOException {
        List<String> command = new ArrayList<>(List.of(SKALD.toString(), "batch"));
        command.addAll(List.of(args));
        return start(command);
    }

    private Process start(List<String> command) throws IOException {
        Path err = Files.createTempFile(folder, "skald", ".err");
        Process process = new ProcessBuilder(command).redirectError(err.toFile()).start();
        errors.put(process, err);
        return process;
    }

    Ended finish(Process process) throws IOException, InterruptedException {
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS));
        return new Ended(process.exitValue(), JSON.readTree(out), err(process));
    }

    String err(Process process) throws IOException {
        return Files.readString(errors.get(process));
    }

    Ended run(String... args) throws IOException, InterruptedException {
        return finish(start(args));
    }

    /** Waits until the output has so many lines, or the job has ended. */
    void awaitLines(Process job, Path output, int lines) throws IOException, InterruptedException {
        while (job.isAlive() && lines(output) < lines) Thread.sleep(5);
        assertTrue(job.isAlive() || lines(output) >= lines, err(job));
    }

    static long lines(Path output) throws IOException {
        if (Files.notExists(output)) return 0;
        try (var in = Files.newInputStream(output)) {
            long lines = 0;
            byte[] buffer = new byte[1 << 16];
            for (int n = in.read(buffer); n > 0; n = in.read(buffer)) {
                for (int i = 0; i < n; i++) if (buffer[i] == '\n') lines++;
            }
            return lines;
        }
    }

    /** custom_id → record, without what may differ from run to run. Fails where one stands twice. */
    Map<String, String> lasting(Path output) throws IOException {
        Map<String, String> records = new TreeMap<>();
        for (String line : Files.readAllLines(output)) {
            ObjectNode record = (ObjectNode) JSON.readTree(line);
            ((ObjectNode) record.get("response")).remove("request_id");
            ((ObjectNode) record.at("/response/body")).remove("created");
            ((ObjectNode) record.at("/response/body/usage")).remove("prompt_tokens_details");
            assertTrue(records.put(record.get("custom_id").asText(), record.toString()) == null, record.get("custom_id") + " stands twice");
        }
        return records;
    }

    /** custom_id → first text. */
    Map<String, String> texts(Path output) throws IOException {
        Map<String, String> texts = new TreeMap<>();
        for (String line : Files.readAllLines(output)) {
            JsonNode record = JSON.readTree(line);
            texts.put(record.get("custom_id").asText(), record.at("/response/body/choices/0/text").asText());
        }
        return texts;
    }

    static boolean succeeds(String... command) throws IOException, InterruptedException {
        try {
            return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    /** @param port 0: any */
    Daemon serve(int port) throws IOException {
        Process process = start(List.of(SKALD.toString(), "serve", "--port", Integer.toString(port), "--json"));
        String line = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8)).readLine();
        if (line == null) throw new AssertionError("the daemon did not start: " + err(process));
        return new Daemon(process, JSON.readTree(line).get("port").asInt());
    }

    record Daemon(Process process, int port) implements AutoCloseable {
        String endpoint() {
            return "127.0.0.1:" + port;
        }

        void kill() throws InterruptedException {
            process.destroyForcibly().waitFor();
        }

        @Override
        public void close() {
            process.destroyForcibly();
        }
    }
}
