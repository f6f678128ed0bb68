package dev.skald.batch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.skald.openai.Defaults;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Jobs in a folder, answered by lanes of a test's own. */
final class JobFixture {
    static final ObjectMapper JSON = new ObjectMapper();

    final Path folder;
    final Path input;
    final Path output;
    final Stop stop = new Stop();
    final ByteArrayOutputStream said = new ByteArrayOutputStream();
    List<? extends Lane> lanes = List.of();
    ModelFacts facts = ModelFacts.of(new EchoInference(0));
    boolean ordered;
    int window = 64;
    boolean force;
    boolean retryErrors;
    long seed;
    Shard shard = Shard.WHOLE;
    Defaults defaults = Defaults.NONE;
    Optional<Duration> timeLimit = Optional.empty();
    Duration patience = Duration.ofSeconds(60);
    Optional<AloneLauncher> launcher = Optional.empty();
    String standard = "";
    boolean fromStandard;

    JobFixture(Path folder) {
        this.folder = folder;
        input = folder.resolve("in.jsonl");
        output = folder.resolve("out.jsonl");
    }

    JobFixture lane(EchoInference inference, int capacity) {
        lanes = List.of(new TestLane("one", inference, capacity, false));
        return this;
    }

    JobFixture lines(int n) throws IOException {
        List<String> lines = new ArrayList<>();
        for (int i = 1; i <= n; i++) lines.add(line("id-" + i, "prompt " + i));
        Files.write(input, lines);
        return this;
    }

    static String line(String id, String prompt) {
        return "{\"custom_id\":\"" + id + "\",\"method\":\"POST\",\"url\":\"/v1/completions\",\"body\":{\"prompt\":\"" + prompt + "\"}}";
    }

    BatchPlan plan() {
        return new BatchPlan(
                fromStandard ? Optional.empty() : Optional.of(input), output, shard, defaults, seed,
                new RunSettings(ordered, window, timeLimit, Duration.ofSeconds(5), patience), force, retryErrors);
    }

    Summary run() throws InterruptedException {
        BatchJob job = new BatchJob(
                plan(), () -> Fleet.of(lanes, facts), launcher, new Progress(new PrintStream(said, true, StandardCharsets.UTF_8), false), stop, "test");
        return job.run(new ByteArrayInputStream(standard.getBytes(StandardCharsets.UTF_8)));
    }

    /** custom_id → its record's text. Fails where one stands twice. */
    static Map<String, String> answers(Path output) throws IOException {
        Map<String, String> answers = new LinkedHashMap<>();
        for (String line : Files.readAllLines(output)) {
            JsonNode record = JSON.readTree(line);
            String text = record.at("/response/body/choices/0/text").asText();
            if (answers.put(record.get("custom_id").asText(), text) != null) throw new AssertionError(record.get("custom_id") + " stands twice");
        }
        return answers;
    }

    Map<String, String> answers() throws IOException {
        return answers(output);
    }

    /** A record without what may differ from run to run. */
    static String lasting(String line) {
        try {
            ObjectNode record = (ObjectNode) JSON.readTree(line);
            ((ObjectNode) record.get("response")).remove("request_id");
            ((ObjectNode) record.at("/response/body")).remove("created");
            ((ObjectNode) record.at("/response/body/usage")).remove("prompt_tokens_details");
            return record.toString();
        } catch (IOException e) {
            throw new AssertionError(line, e);
        }
    }

    List<JsonNode> errors() throws IOException {
        List<JsonNode> errors = new ArrayList<>();
        for (String line : Files.readAllLines(folder.resolve("out.errors.jsonl"))) errors.add(JSON.readTree(line));
        return errors;
    }

    String said() {
        return said.toString(StandardCharsets.UTF_8);
    }
}
