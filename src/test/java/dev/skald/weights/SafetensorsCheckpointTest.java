package dev.skald.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.tensor.DType;
import dev.skald.tensor.Elements;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsCheckpointTest {
    private static final String SINGLE = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";

    @TempDir
    Path folder;

    private static SafetensorsFile sample() {
        return new SafetensorsFile()
                .add("b", DType.F32, new float[] {1, -2, 3.5f, 4, 5, 6}, 2, 3)
                .add("a", DType.F16, new float[] {0.5f, 65504}, 2)
                .add("c", DType.BF16, new float[] {1.5f}, 1)
                .add("scalar", DType.F32, new float[] {7})
                .add("empty", DType.F32, new float[0], 0, 5)
                .add("ids", "I64", new byte[16], 2);
    }

    @Test
    void tensorsOfAllTypesComeBackByName() {
        sample().write(folder.resolve(SINGLE));
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertEquals(Set.of("a", "b", "c", "empty", "ids", "scalar"), checkpoint.names());
            Tensor b = checkpoint.tensor("b");
            assertEquals(DType.F32, b.dtype());
            assertEquals(Shape.of(2, 3), b.shape());
            assertEquals(3.5f, Elements.get(DType.F32, b.data(), 2));
            assertEquals(65504, Elements.get(DType.F16, checkpoint.tensor("a").data(), 1));
            assertEquals(1.5f, Elements.get(DType.BF16, checkpoint.tensor("c").data(), 0));
            assertEquals(1, checkpoint.tensor("scalar").shape().elements());
            assertEquals(0, checkpoint.tensor("empty").data().byteSize());
            assertTrue(b.data().isReadOnly());
        }
    }

    @Test
    void aTensorThatIsNotThereOrNotComputableIsNamedWhenAskedFor() {
        sample().write(folder.resolve(SINGLE));
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertEquals(Shape.of(2), checkpoint.shape("ids"));
            assertMessage(() -> checkpoint.tensor("ids"), "tensor ids of", "I64", "F32, F16 and BF16");
            assertMessage(() -> checkpoint.tensor("nothing"), "no tensor nothing");
        }
    }

    @Test
    void aTensorIsUnreadableAfterClose() {
        sample().write(folder.resolve(SINGLE));
        Checkpoint checkpoint = Checkpoint.open(folder);
        Tensor tensor = checkpoint.tensor("b");
        checkpoint.close();
        checkpoint.close();
        assertThrows(IllegalStateException.class, () -> Elements.get(DType.F32, tensor.data(), 0));
    }

    @Test
    void shardsAreOneCheckpoint() throws IOException {
        writeShards("{\"metadata\":{\"total_size\":12},\"weight_map\":{\"x\":\"one.safetensors\",\"y\":\"two.safetensors\"}}");
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertEquals(Set.of("x", "y"), checkpoint.names());
            assertEquals(3, Elements.get(DType.F32, checkpoint.tensor("y").data(), 0));
        }
    }

    @ParameterizedTest
    @CsvSource(quoteCharacter = '`', delimiter = '|', value = {
        "{\"weight_map\":{\"x\":\"one.safetensors\",\"z\":\"two.safetensors\"}} | puts tensor z into two.safetensors, which doesn't have it",
        "{\"weight_map\":{\"y\":\"one.safetensors\",\"x\":\"two.safetensors\"}} | puts tensor y into one.safetensors, which doesn't have it",
        "{\"weight_map\":{\"x\":\"three.safetensors\"}} | three.safetensors is missing",
        "{\"weight_map\":{\"x\":\"../one.safetensors\"}} | puts tensor x into '../one.safetensors', which is not a .safetensors file of the same folder",
        "{\"weight_map\":{\"x\":\"/etc/one.safetensors\"}} | is not a .safetensors file of the same folder",
        "{\"weight_map\":{\"x\":\"a\\\\b.safetensors\"}} | is not a .safetensors file of the same folder",
        "{\"weight_map\":{\"x\":\"passwd\"}} | is not a .safetensors file of the same folder",
        "{\"weight_map\":{\"x\":\"\\u0000.safetensors\"}} | is not a .safetensors file of the same folder",
        "{\"weight_map\":{\"x\":\"one.safetensors\",\"x\":\"two.safetensors\"}} | Duplicate field 'x'",
        "{\"weight_map\":{\"x\":7}} | has VALUE_NUMBER_INT where VALUE_STRING belongs",
        "{\"weight_map\":{}} | has no weight_map",
        "{\"metadata\":{}} | has no weight_map",
        "{} {} | goes on behind its end",
        "[] | has START_ARRAY where START_OBJECT belongs",
        "{\"weight_map\": | is damaged",
    })
    void aWrongIndexIsRefused(String index, String message) throws IOException {
        writeShards(index);
        assertMessage(() -> Checkpoint.open(folder), message);
    }

    @Test
    void aTensorInTwoShardsIsRefused() throws IOException {
        writeShards("{\"weight_map\":{\"x\":\"one.safetensors\",\"y\":\"two.safetensors\"}}");
        new SafetensorsFile().add("y", DType.F32, new float[] {3}, 1).add("x", DType.F32, new float[] {3}, 1).write(folder.resolve("two.safetensors"));
        assertMessage(() -> Checkpoint.open(folder), "tensor x is in", "two.safetensors", "one.safetensors");
    }

    @Test
    void aFolderWithoutWeightsSaysWhatWasLookedFor() {
        assertMessage(() -> Checkpoint.open(folder), "neither model.safetensors nor pytorch_model.bin");
        assertMessage(() -> Checkpoint.open(folder.resolve("absent")), "is neither a folder nor a .gguf or .skald file");
    }

    @ParameterizedTest
    @CsvSource(quoteCharacter = '`', delimiter = '|', value = {
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}} | t of | null",
        "{\"t\":{\"dtype\":\"F33\",\"shape\":[2],\"data_offsets\":[0,8]}} | unknown element type F33 | refused",
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}} | needs 12 bytes | refused",
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}} | ends at byte 12 of 8: the file is cut off | refused",
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}} | 4 bytes behind its last tensor | refused",
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}} | leaving a gap from byte 0 | refused",
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"u\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}} | inside another tensor | refused",
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}} | leave -8 | refused",
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}} | negative number | refused",
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,8]}} | impossible shape | refused",
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[4611686018427387905],\"data_offsets\":[0,4]}} | impossible shape | refused",
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,8]}} | damaged header | refused",
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]}} | VALUE_NUMBER_FLOAT | refused",
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,2],\"data_offsets\":[0,8]}} | more than 8 numbers | refused",
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}} | lacks its dtype, shape or two data_offsets | refused",
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[2]}} | lacks its dtype, shape or two data_offsets | refused",
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}} | unknown field x | refused",
        "{\"t\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,8]}} | not whole bytes | refused",
        "{\"t\":1,\"t\":2} | damaged header | refused",
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"t\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[8,8]}} | Duplicate field 't' | refused",
        "{\"__metadata__\":{\"a\":[]},\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}} | START_ARRAY where VALUE_STRING belongs | refused",
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}} {} | goes on behind its end | refused",
        "{} | 8 bytes behind its last tensor | refused",
        "[] | doesn't begin with { | refused",
    })
    void aHeaderIsCheckedFieldByField(String header, String message, String outcome) throws IOException {
        Files.write(folder.resolve(SINGLE), SafetensorsFile.bytes(header, new byte[8]));
        if (outcome.equals("refused")) assertMessage(() -> Checkpoint.open(folder), SINGLE, message);
        else Checkpoint.open(folder).close();
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, -1, Long.MIN_VALUE, Long.MAX_VALUE, 100_000_001, 5000})
    void aWrongHeaderLengthIsRefused(long length) throws IOException {
        byte[] bytes = sample().bytes();
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(length);
        Files.write(folder.resolve(SINGLE), bytes);
        assertMessage(() -> Checkpoint.open(folder), SINGLE);
    }

    @Test
    void aHeaderThatIsNotUtf8IsRefused() throws IOException {
        byte[] bytes = sample().bytes();
        bytes[12] = (byte) 0xff;
        Files.write(folder.resolve(SINGLE), bytes);
        assertMessage(() -> Checkpoint.open(folder), SINGLE, "damaged header");
    }

    @Test
    void aFileCutOffAnywhereIsRefused() throws IOException {
        byte[] bytes = sample().bytes();
        for (int length = 0; length < bytes.length; length++) {
            Files.write(folder.resolve(SINGLE), Arrays.copyOf(bytes, length));
            assertMessage(() -> Checkpoint.open(folder), SINGLE);
        }
    }

    /** Whatever the bytes, either it opens, and then each tensor can be read to its end, or it is refused in one way. */
    @Test
    void noMutationOfAFileGetsPastTheChecks() throws IOException {
        byte[] original = sample().bytes();
        int refused = 0;
        for (int seed = 0; seed < 4000; seed++) {
            byte[] mutated = mutate(original, new Random(seed));
            Files.write(folder.resolve(SINGLE), mutated);
            try (Checkpoint checkpoint = Checkpoint.open(folder)) {
                readAll(checkpoint);
            } catch (CheckpointException e) {
                refused++;
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
        assertTrue(refused > 2000, "only " + refused + " of 4000 mutations were refused");
    }

    private static void readAll(Checkpoint checkpoint) {
        for (String name : checkpoint.names()) {
            try {
                Tensor tensor = checkpoint.tensor(name);
                for (long i = 0; i < tensor.shape().elements(); i++) Elements.get(tensor.dtype(), tensor.data(), i);
            } catch (CheckpointException e) {
                assertTrue(e.getMessage().contains("can be computed with"), e.getMessage());
            }
        }
    }

    private static byte[] mutate(byte[] original, Random random) {
        byte[] bytes = original.clone();
        int headerEnd = original.length - 24 - 10 - 16;
        for (int n = 1 + random.nextInt(3); n > 0; n--) {
            switch (random.nextInt(5)) {
                case 0 -> bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
                case 1 -> bytes[8 + random.nextInt(headerEnd - 8)] = (byte) "{}[]\",:0123456789-+eEx\\".charAt(random.nextInt(23));
                case 2 -> bytes[random.nextInt(8)] ^= (byte) (1 << random.nextInt(8));
                case 3 -> bytes = Arrays.copyOf(bytes, random.nextInt(2 * bytes.length));
                default -> {
                    int from = random.nextInt(bytes.length);
                    int to = random.nextInt(bytes.length);
                    System.arraycopy(bytes, from, bytes, to, Math.min(random.nextInt(40), bytes.length - Math.max(from, to)));
                }
            }
            if (bytes.length < headerEnd) return bytes;
        }
        return bytes;
    }

    private void writeShards(String index) throws IOException {
        new SafetensorsFile().add("x", DType.F32, new float[] {1, 2}, 2).write(folder.resolve("one.safetensors"));
        new SafetensorsFile().add("y", DType.F32, new float[] {3}, 1).write(folder.resolve("two.safetensors"));
        Files.writeString(folder.resolve(INDEX), index);
    }

    private static void assertMessage(org.junit.jupiter.api.function.Executable action, String... parts) {
        CheckpointException e = assertThrows(CheckpointException.class, action);
        for (String part : parts) assertTrue(e.getMessage().contains(part), e.getMessage() + " lacks: " + part);
    }
}
