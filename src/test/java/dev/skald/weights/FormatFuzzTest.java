package dev.skald.weights;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Files with a few wrong bytes either are read, and then all of their tensors can be read too, or refused by a {@link CheckpointException} that
 * names them: nothing else, whatever stands in them. Most are parsed in memory; one in {@value #ON_DISK} goes through a real file.
 */
class FormatFuzzTest {
    private static final int ON_DISK = 20;
    private static final int SAMPLE = 3_000;
    private static final int ALL = 40_000;
    private static final long[] NUMBERS = {0, 1, -1, 2, 7, 255, 256, 65_535, 1 << 16, 1 << 24, Integer.MAX_VALUE, Integer.MIN_VALUE, 1L << 32,
        1L << 40, Long.MAX_VALUE, Long.MIN_VALUE, Long.MAX_VALUE - 31, -32};

    @TempDir
    Path folder;

    private enum Format {
        GGUF("model.gguf", gguf(), FormatFuzzTest::readGguf),
        SAFETENSORS("model.safetensors", safetensors(), FormatFuzzTest::readSafetensors),
        PYTORCH("pytorch_model.bin", PyTorchBytes.sample().toBytes(), FormatFuzzTest::readPyTorch),
        PACKED("model.skald", packed(), content -> readPacked(PackedCheckpoint.of("model.skald", content)));

        private final String file;
        private final byte[] valid;
        private final Function<MemorySegment, Integer> inMemory;

        Format(String file, byte[] valid, Function<MemorySegment, Integer> inMemory) {
            this.file = file;
            this.valid = valid;
            this.inMemory = inMemory;
        }
    }

    @ParameterizedTest
    @EnumSource(Format.class)
    void aSampleOfMutatedFilesIsReadOrRefusedByName(Format format) throws IOException {
        mutate(format, SAMPLE, 1);
    }

    @Tag("slow")
    @ParameterizedTest
    @EnumSource(Format.class)
    void mutatedFilesAreReadOrRefusedByName(Format format) throws IOException {
        mutate(format, ALL, 2);
    }

    private void mutate(Format format, int files, long firstSeed) throws IOException {
        int refused = 0;
        for (int i = 0; i < files; i++) {
            long seed = firstSeed * 1_000_003 + i;
            byte[] mutated = mutated(format.valid, new Random(seed));
            try {
                if (i % ON_DISK == 0) readFromDisk(format, mutated);
                else format.inMemory.apply(MemorySegment.ofArray(mutated).asReadOnly());
            } catch (CheckpointException e) {
                refused++;
                assertTrue(e.getMessage().contains(format.file), () -> "seed " + seed + ": no file is named by: " + e.getMessage());
                assertTrue(e.getMessage().length() < 2_000, () -> "seed " + seed + ": a message of " + e.getMessage().length() + " characters");
            } catch (RuntimeException | Error e) {
                fail("seed " + seed + " of " + format, e);
            }
        }
        int all = refused;
        assertTrue(refused > files / 4 && refused < files, () -> all + " of " + files + " were refused");
    }

    private void readFromDisk(Format format, byte[] content) throws IOException {
        Path file = Files.write(folder.resolve(format.file), content);
        try (Checkpoint checkpoint = Checkpoint.open(format == Format.GGUF || format == Format.PACKED ? file : folder)) {
            if (checkpoint instanceof PackedCheckpoint packed) readPacked(packed);
            else for (String name : checkpoint.names()) touch(checkpoint.tensor(name));
        }
    }

    private static int touch(Tensor tensor) {
        long size = tensor.data().byteSize();
        return size == 0 ? 0 : tensor.data().get(ValueLayout.JAVA_BYTE, 0) + tensor.data().get(ValueLayout.JAVA_BYTE, size - 1);
    }

    private static int readGguf(MemorySegment mapped) {
        GgufHeader header = GgufHeader.parse("model.gguf", mapped);
        int sum = 0;
        GgufMetadata metadata = header.metadata();
        for (String key : metadata.keys()) sum += metadata.shown(key).length() + (metadata.isList(key) ? list(metadata, key) : 0);
        for (GgufHeader.Entry e : header.entries().values()) sum += mapped.get(ValueLayout.JAVA_BYTE, e.end() - 1);
        return sum;
    }

    private static int list(GgufMetadata metadata, String key) {
        return switch (key.charAt(0)) {
            case 'w' -> metadata.strings(key, 100).size();
            case 'i' -> metadata.integers(key, 100).length;
            default -> metadata.floats(key, 100).length;
        };
    }

    private static int readSafetensors(MemorySegment mapped) {
        SafetensorsHeader header = SafetensorsHeader.parse("model.safetensors", mapped);
        int sum = 0;
        for (SafetensorsHeader.Entry e : header.entries().values()) {
            if (e.end() > e.begin()) sum += mapped.get(ValueLayout.JAVA_BYTE, header.dataStart() + e.end() - 1);
        }
        return sum;
    }

    private static int readPyTorch(MemorySegment mapped) {
        PyTorchFile file = PyTorchFile.parse("pytorch_model.bin", mapped);
        return file.tensors().keySet().stream().mapToInt(name -> touch(file.tensor(name))).sum();
    }

    private static int readPacked(PackedCheckpoint file) {
        int sum = file.document("config.json").map(Arrays::hashCode).orElse(0) + file.format().length() + file.modelHash().length();
        for (String name : file.names()) sum += file.dtype(name).ordinal() + file.shape(name).rank();
        for (String role : List.of("linear", "vector")) {
            for (PackedEntry.Section section : file.entry(role, "a").sections()) {
                if (section.data().byteSize() > 0) sum += section.data().get(ValueLayout.JAVA_BYTE, section.data().byteSize() - 1);
            }
        }
        return sum;
    }

    private static byte[] packed() {
        try {
            Path file = Files.createTempDirectory("packed").resolve("model.skald");
            try (NewFile target = NewFile.create(file, true)) {
                PackedWriter writer = new PackedWriter(target);
                writer.document("config.json", "{}".getBytes(StandardCharsets.UTF_8));
                writer.tensor("a", DType.Q4_0, Shape.of(2, 32));
                writer.tensor("b", DType.F32, Shape.of(3));
                PackedEntry.Section first = new PackedEntry.Section(DType.Q4_0, 0, 16, MemorySegment.ofArray(new byte[320]));
                PackedEntry.Section second = new PackedEntry.Section(DType.Q8_0, 16, 3, MemorySegment.ofArray(new byte[576]));
                writer.weight("linear", "a", new PackedEntry(DType.Q4_0, 19, 32, List.of(first, second)));
                writer.weight("vector", "a", new PackedEntry(DType.F32, 1, 3, List.of(new PackedEntry.Section(DType.F32, 0, 1, MemorySegment.ofArray(new byte[12])))));
                writer.finish("cpu-1", "GGUF v3", Optional.of(DType.Q4_0), "00ff");
            }
            byte[] bytes = Files.readAllBytes(file);
            Files.delete(file);
            Files.delete(file.getParent());
            return bytes;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** One to four wounds, of the kinds that files get and attackers make. */
    private static byte[] mutated(byte[] valid, Random random) {
        byte[] bytes = valid.clone();
        for (int wounds = 1 + random.nextInt(4); wounds > 0 && bytes.length > 16; wounds--) {
            int at = random.nextInt(bytes.length - 8);
            ByteBuffer view = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            long number = NUMBERS[random.nextInt(NUMBERS.length)];
            switch (random.nextInt(8)) {
                case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> bytes[at] = (byte) random.nextInt(256);
                case 2 -> view.putInt(at, (int) number);
                case 3 -> view.putLong(at, number);
                case 4 -> bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length));
                case 5 -> System.arraycopy(valid, random.nextInt(valid.length - 8), bytes, at, 8);
                case 6 -> bytes = inserted(bytes, at, Arrays.copyOfRange(valid, at % valid.length, Math.min(valid.length, at % valid.length + 1 + random.nextInt(40))));
                default -> bytes = removed(bytes, at, 1 + random.nextInt(8));
            }
        }
        return bytes;
    }

    private static byte[] inserted(byte[] bytes, int at, byte[] more) {
        byte[] out = Arrays.copyOf(bytes, bytes.length + more.length);
        System.arraycopy(more, 0, out, at, more.length);
        System.arraycopy(bytes, at, out, at + more.length, bytes.length - at);
        return out;
    }

    private static byte[] removed(byte[] bytes, int at, int count) {
        byte[] out = Arrays.copyOf(bytes, bytes.length - count);
        System.arraycopy(bytes, at + count, out, at, bytes.length - count - at);
        return out;
    }

    private static byte[] gguf() {
        return new GgufBytes()
                .string("general.architecture", "llama")
                .int32("general.alignment", 32)
                .float32("f", 0.5f)
                .flag("yes", true)
                .strings("words", List.of("a", "", "β", "gamma"))
                .integers("ints", 1, -2, 3)
                .floats("floats", 1.5f, -0.25f)
                .tensor("blk.0.a", new float[] {1, 2, 3, 4, 5, 6}, 2, 3)
                .tensor("b", GgufType.Q8_0, 2, 32)
                .tensor("c", GgufType.F16, 4)
                .toBytes();
    }

    private static byte[] safetensors() {
        return new SafetensorsFile()
                .add("b", DType.F32, new float[] {1, -2, 3.5f, 4, 5, 6}, 2, 3)
                .add("a", DType.F16, new float[] {0.5f, 65504}, 2)
                .add("empty", DType.F32, new float[0], 0, 5)
                .bytes();
    }
}
