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
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A trained model of others', SmolLM2-135M-Instruct as Q4_1, makes the choices that transformers makes with the same file widened to
 * float32, token by token behind its own: see make_smollm2.py. Runs where {@code -Dskald.smollm2.gguf=FILE} names the file.
 */
class RealGgufTest {
    private static final Path GOLDEN = Path.of("src/test/resources/golden/gguf/smollm2-135m-instruct.q4_1.json");
    private static final String FILE = "skald.smollm2.gguf";
    /** Twenty times what float32 arithmetic in another order changes in a logit. */
    private static final double CLEAR = 0.02;
    /** What rounding activations to 8 bits changes stays below half of it. */
    private static final double CLEAR_OF_8_BITS = 0.5;
    private static final int CHUNK = 64;

    static Stream<TestDevices.Factory> devices() {
        return TestDevices.all();
    }

    @ParameterizedTest
    @MethodSource("devices")
    void choicesAreThoseOfTransformersWhereTheyAreClear(TestDevices.Factory device) throws IOException {
        String file = System.getProperty(FILE, "");
        assumeTrue(Files.isRegularFile(Path.of(file)), "skipped: -D" + FILE + " names no file");
        compare(device, Optional.empty(), device.name().equals("reference") ? CLEAR : CLEAR_OF_8_BITS);
    }

    @ParameterizedTest
    @MethodSource("devices")
    void weightsWidenedToF32MakeFarFinerChoices(TestDevices.Factory device) throws IOException {
        String file = System.getProperty(FILE, "");
        assumeTrue(Files.isRegularFile(Path.of(file)), "skipped: -D" + FILE + " names no file");
        compare(device, Optional.of(DType.F32), CLEAR);
    }

    private static void compare(TestDevices.Factory device, Optional<DType> dtype, double clear) throws IOException {
        try (DecoderHarness harness = DecoderHarness.of(device.open(), Path.of(System.getProperty(FILE)), dtype, DType.F32, CHUNK)) {
            int compared = 0;
            for (JsonNode one : new ObjectMapper().readTree(GOLDEN.toFile())) {
                int[] prompt = integers(one.get("prompt"));
                int[] greedy = integers(one.get("greedy"));
                int[] all = IntStream.concat(Arrays.stream(prompt), Arrays.stream(greedy)).toArray();
                int slot = harness.begin();
                float[][] logits = harness.feed(slot, all, CHUNK);
                harness.end(slot);
                for (int i = 0; i < greedy.length; i++) {
                    if (one.get("margin").get(i).asDouble() < clear) continue;
                    assertEquals(greedy[i], greatest(logits[prompt.length - 1 + i]), "token " + i + " behind " + prompt.length);
                    compared++;
                }
            }
            assertTrue(compared >= 60, "only " + compared + " choices were clear");
        }
    }

    private static int greatest(float[] logits) {
        int at = 0;
        for (int i = 1; i < logits.length; i++) if (logits[i] > logits[at]) at = i;
        return at;
    }

    private static int[] integers(JsonNode list) {
        return StreamSupport.stream(list.spliterator(), false).mapToInt(JsonNode::asInt).toArray();
    }
}
