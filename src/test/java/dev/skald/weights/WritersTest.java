package dev.skald.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is written is read again by the readers, which check every field. */
class WritersTest {
    @TempDir
    Path folder;

    private final Map<String, Tensor> tensors = new TreeMap<>();

    WritersTest() {
        add("b.weight", DType.F16, 7, 64);
        add("a.weight", DType.F16, 3);
        add("中.weight", DType.F16, 2, 3);
    }

    private void add(String name, DType dtype, long... dims) {
        byte[] bytes = new byte[(int) dtype.bytes(Shape.of(dims).elements())];
        new Random(name.hashCode()).nextBytes(bytes);
        tensors.put(name, new Tensor(name, dtype, Shape.of(dims), MemorySegment.ofArray(bytes)));
    }

    @Test
    void ggufKeysOfEveryKindAndTensorsOfEveryTypeComeBack() throws IOException {
        tensors.clear();
        for (DType type : DType.values()) if (type != DType.I32) add(type + ".weight", type, 3, 256);
        add("one", DType.F32, 5);
        Path path = folder.resolve("all.gguf");
        try (NewFile file = NewFile.create(path, false)) {
            GgufWriter writer = new GgufWriter(file).put("s", "text 中").put("i", 7).put("f", 0.1f).put("b", true)
                    .put("ss", List.of("one", "", "三")).put("ii", new int[] {-1, 2}).put("ff", new float[] {1.5f, -0f});
            tensors.values().forEach(t -> writer.tensor(t.name(), t.dtype(), t.shape()));
            writer.begin();
            for (Tensor t : tensors.values()) {
                // in two pieces, as a stream comes
                long half = t.data().byteSize() / 2;
                writer.append(t.data().asSlice(0, half));
                writer.append(t.data().asSlice(half));
            }
            writer.finish();
        }
        try (GgufCheckpoint read = GgufCheckpoint.open(path)) {
            assertEquals("GGUF v3", read.format());
            GgufMetadata keys = read.metadata();
            assertEquals("text 中", keys.string("s").orElseThrow());
            assertEquals(7, keys.integer("i").orElseThrow());
            assertEquals(0.1f, (float) keys.number("f").orElseThrow());
            assertTrue(keys.flag("b").orElseThrow());
            assertEquals(List.of("one", "", "三"), keys.strings("ss", 9));
            assertArrayEquals(new int[] {-1, 2}, keys.integers("ii", 9));
            assertArrayEquals(new float[] {1.5f, -0f}, keys.floats("ff", 9));
            assertHolds(read);
        }
    }

    @Test
    void keysOfAnotherFileAreCopiedByteForByte() throws IOException {
        Path first = folder.resolve("first.gguf");
        try (NewFile file = NewFile.create(first, false)) {
            GgufWriter writer = new GgufWriter(file).put("a", "x").put("b", List.of("p", "q")).put("c", new float[] {2}).put("d", false);
            writer.begin();
            writer.finish();
        }
        Path second = folder.resolve("second.gguf");
        try (GgufCheckpoint read = GgufCheckpoint.open(first); NewFile file = NewFile.create(second, false)) {
            GgufWriter writer = new GgufWriter(file).putAll(read.metadata(), key -> true);
            writer.begin();
            writer.finish();
        }
        assertArrayEquals(Files.readAllBytes(first), Files.readAllBytes(second));
    }

    @Test
    void pyTorchArchivesComeBack() throws IOException {
        Path path = folder.resolve("pytorch_model.bin");
        try (NewFile file = NewFile.create(path, false)) {
            PyTorchWriter.write("pytorch_model", List.copyOf(tensors.keySet()), tensors::get, file);
            file.finish();
        }
        try (Checkpoint read = Checkpoint.open(folder)) {
            assertEquals("PyTorch", read.format());
            assertHolds(read);
        }
    }

    @Test
    void safetensorsComeBack() throws IOException {
        try (NewFile file = NewFile.create(folder.resolve("model.safetensors"), false)) {
            SafetensorsWriter.write(List.copyOf(tensors.keySet()), tensors::get, file);
            file.finish();
        }
        try (Checkpoint read = Checkpoint.open(folder)) {
            assertEquals("safetensors", read.format());
            assertHolds(read);
        }
    }

    @Test
    void aFileThatIsNotFinishedNeverAppears() throws IOException {
        Path path = folder.resolve("half.gguf");
        try (NewFile file = NewFile.create(path, false)) {
            file.write(new byte[100]);
        }
        try (Stream<Path> left = Files.list(folder)) {
            assertEquals(List.of(), left.toList());
        }
    }

    @Test
    void aFileThatIsThereIsKeptUnlessItMayBeReplaced() throws IOException {
        Path path = Files.writeString(folder.resolve("there"), "old");
        assertThrows(FileAlreadyExistsException.class, () -> NewFile.create(path, false));
        try (NewFile file = NewFile.create(path, true)) {
            file.write(new byte[] {'n', 'e', 'w'});
            assertEquals("old", Files.readString(path));
            file.finish();
        }
        assertEquals("new", Files.readString(path));
    }

    @Test
    void aGgufFileWithoutAllItsTensorsIsNotFinished() throws IOException {
        Path path = folder.resolve("short.gguf");
        try (NewFile file = NewFile.create(path, false)) {
            GgufWriter writer = new GgufWriter(file).tensor("t", DType.F32, Shape.of(4));
            writer.begin();
            assertThrows(IllegalStateException.class, writer::finish);
            assertThrows(IllegalStateException.class, () -> writer.append(MemorySegment.ofArray(new byte[17])));
        }
        assertFalse(Files.exists(path));
    }

    private void assertHolds(Checkpoint read) {
        assertEquals(tensors.keySet(), read.names());
        for (Tensor expected : tensors.values()) {
            Tensor tensor = read.tensor(expected.name());
            assertEquals(expected.dtype(), tensor.dtype());
            assertEquals(expected.shape(), tensor.shape());
            assertArrayEquals(expected.data().toArray(ValueLayout.JAVA_BYTE), tensor.data().toArray(ValueLayout.JAVA_BYTE), expected.name());
        }
    }
}
