package dev.skald.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.skald.compute.TestDevices;
import dev.skald.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A trained model of others', SmolLM2-135M-Instruct as Q4_1, gives the greedy tokens that transformers gives with the same file widened to
 * float32: see make_smollm2.py. Runs where {@code -Dskald.smollm2.gguf=FILE} names the file.
 */
class RealGgufTest {
    private static final Path GOLDEN = Path.of("src/test/resources/golden/gguf/smollm2-135m-instruct.q4_1.json");
    private static final String FILE = "skald.smollm2.gguf";
    /** Twenty times what float32 arithmetic in another order changes in a logit. */
    private static final double CLEAR = 0.02;
    private static final int CHUNK = 64;

    static Stream<TestDevices.Factory> devices() {
        return TestDevices.all();
    }

    @ParameterizedTest
    @MethodSource("devices")
    void greedyTokensAreThoseOfTransformersAsFarAsChoicesAreClear(TestDevices.Factory device) throws IOException {
        String file = System.getProperty(FILE, "");
        assumeTrue(Files.isRegularFile(Path.of(file)), "skipped: -D" + FILE + " names no file");
        try (DecoderHarness harness = DecoderHarness.of(device.open(), Path.of(file), Optional.of(DType.F32), DType.F32, CHUNK)) {
            int compared = 0;
            for (JsonNode one : new ObjectMapper().readTree(GOLDEN.toFile())) {
                List<Integer> greedy = integers(one.get("greedy"));
                int clear = 0;
                while (clear < greedy.size() && one.get("margin").get(clear).asDouble() >= CLEAR) clear++;
                int[] prompt = integers(one.get("prompt")).stream().mapToInt(Integer::intValue).toArray();
                assertEquals(greedy.subList(0, clear), harness.greedy(prompt, clear, CHUNK));
                compared += clear;
            }
            assertTrue(compared >= 80, "only " + compared + " choices were clear");
        }
    }

    private static List<Integer> integers(JsonNode list) {
        List<Integer> values = new ArrayList<>();
        list.forEach(node -> values.add(node.asInt()));
        return values;
    }
}
