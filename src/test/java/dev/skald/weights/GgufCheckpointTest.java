package dev.skald.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.tensor.DType;
import dev.skald.tensor.Elements;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class GgufCheckpointTest {
    @TempDir
    Path folder;

    private static GgufBytes sample() {
        return new GgufBytes()
                .string("general.architecture", "llama")
                .int32("n", 7)
                .float32("f", 0.5f)
                .flag("yes", true)
                .strings("words", List.of("a", "", "β"))
                .integers("ints", 1, -2, 3)
                .floats("floats", 1.5f, -0.25f)
                .tensor("b", GgufType.F32, floats(1, -2, 3.5f, 4, 5, 6), 2, 3)
                .tensor("a", GgufType.Q8_0, 3, 64)
                .tensor("odd", GgufType.IQ2_XXS, 1, 256);
    }

    private static byte[] floats(float... values) {
        GgufBytes.Out out = new GgufBytes.Out();
        for (float v : values) out.int32(Float.floatToRawIntBits(v));
        return out.toBytes();
    }

    private Path file() {
        return folder.resolve("model.gguf");
    }

    @Test
    void tensorsComeBackByNameOutermostDimensionFirst() {
        sample().write(file());
        try (GgufCheckpoint checkpoint = GgufCheckpoint.open(file())) {
            assertEquals("GGUF v3", checkpoint.format());
            assertEquals(Set.of("a", "b", "odd"), checkpoint.names());
            Tensor b = checkpoint.tensor("b");
            assertEquals(Shape.of(2, 3), b.shape());
            assertEquals(3.5f, Elements.get(DType.F32, b.data(), 2));
            assertTrue(b.data().isReadOnly() && b.data().isMapped());
            assertEquals(DType.Q8_0, checkpoint.tensor("a").dtype());
            assertEquals(3 * 2 * 34, checkpoint.tensor("a").data().byteSize());
            assertEquals(Shape.of(1, 256), checkpoint.shape("odd"));
            assertMessage(() -> checkpoint.tensor("odd"), "tensor odd of " + file(), "IQ2_XXS");
            assertMessage(() -> checkpoint.tensor("c"), "no tensor c");
        }
    }

    @ParameterizedTest
    @EnumSource(GgufType.class)
    void everyTypeHasItsBytes(GgufType type) {
        new GgufBytes().tensor("t", type, 2, 2L * type.blockElements()).tensor("next", GgufType.F32, floats(42), 1).write(file());
        try (GgufCheckpoint checkpoint = GgufCheckpoint.open(file())) {
            assertEquals(42, Elements.get(DType.F32, checkpoint.tensor("next").data(), 0));
            type.dtype().ifPresent(dtype -> assertEquals(dtype, checkpoint.tensor("t").dtype()));
        }
    }

    @Test
    void metadataIsReadByItsType() {
        sample().key("u64", GgufValue.Kind.UINT64, new GgufBytes.Out().int64(5).toBytes()).key("i8", GgufValue.Kind.INT8, new byte[] {-3}).write(file());
        try (GgufCheckpoint checkpoint = GgufCheckpoint.open(file())) {
            GgufMetadata metadata = checkpoint.metadata();
            assertEquals(Optional.of("llama"), metadata.string("general.architecture"));
            assertEquals(OptionalLong.of(7), metadata.integer("n"));
            assertEquals(OptionalLong.of(5), metadata.integer("u64"));
            assertEquals(OptionalLong.of(-3), metadata.integer("i8"));
            assertEquals(0.5, metadata.number("f").getAsDouble());
            assertEquals(7, metadata.number("n").getAsDouble());
            assertEquals(Optional.of(true), metadata.flag("yes"));
            assertEquals(List.of("a", "", "β"), metadata.strings("words", 3));
            assertArrayEquals(new int[] {1, -2, 3}, metadata.integers("ints", 3));
            assertArrayEquals(new float[] {1.5f, -0.25f}, metadata.floats("floats", 3));
            assertTrue(metadata.string("nothing").isEmpty() && metadata.strings("nothing", 1).isEmpty());
            assertMessage(() -> metadata.integer("general.architecture"), file() + " has STRING in general.architecture, expected a whole number");
            assertMessage(() -> metadata.string("words"), "a list of STRING in words, expected a string");
            assertMessage(() -> metadata.strings("words", 2), "3 elements in words, more than 2");
            assertMessage(() -> metadata.floats("ints", 9), "a list of INT32 in ints");
        }
    }

    @Test
    void versionTwoIsReadOthersAreNot() {
        sample().version(2).write(file());
        try (GgufCheckpoint checkpoint = GgufCheckpoint.open(file())) {
            assertEquals("GGUF v2", checkpoint.format());
        }
        assertRefused(sample().version(1), "version 1");
        assertRefused(sample().version(4), "version 4");
        assertRefused(sample().version(0x03000000), "big-endian");
        assertRefused(sample().magic(0x47475546), "not a GGUF file");
    }

    @Test
    void alignmentIsTheFilesOwn() {
        new GgufBytes().int32("general.alignment", 128).alignment(128).tensor("a", GgufType.F32, floats(1), 1).tensor("b", GgufType.F32, floats(2), 1).write(file());
        try (GgufCheckpoint checkpoint = GgufCheckpoint.open(file())) {
            assertEquals(2, Elements.get(DType.F32, checkpoint.tensor("b").data(), 0));
        }
        assertRefused(sample().int32("general.alignment", 48), "general.alignment = 48");
        assertRefused(sample().int32("general.alignment", 0), "general.alignment = 0");
        assertRefused(sample().string("general.alignment", "32"), "general.alignment");
    }

    @Test
    void aFileThatIsCutOffAnywhereIsRefusedByItsName() throws IOException {
        byte[] whole = sample().toBytes();
        Path cut = folder.resolve("cut.gguf");
        for (int length = 0; length < whole.length; length++) {
            Files.write(cut, Arrays.copyOf(whole, length));
            CheckpointException e = assertThrows(CheckpointException.class, () -> GgufCheckpoint.open(cut), "cut to " + length + " of " + whole.length);
            assertTrue(e.getMessage().contains(cut.toString()), e.getMessage());
        }
    }

    @Test
    void whatATensorClaimsIsChecked() {
        assertRefused(sample().tensor("t", 0, new byte[4], 0, 1), "begins inside another tensor");
        assertRefused(sample().tensor("t", 0, new byte[4], 7, 1), "no multiple of 32");
        assertRefused(sample().tensor("t", 0, new byte[4], 1 << 20, 1), "tensor t", "cut off");
        assertRefused(sample().tensor("t", 0, new byte[4], Long.MAX_VALUE & -32, 1), "cut off");
        assertRefused(sample().tensor("t", 0, new byte[4], -1, 1L << 40), "cut off");
        assertRefused(sample().tensor("t", 0, new byte[4], -1, 1L << 40, 1L << 40), "impossible");
        assertRefused(sample().tensor("t", 0, new byte[0], -1, 0), "no elements");
        assertRefused(sample().tensor("t", 0, new byte[0], -1), "rank 0");
        assertRefused(sample().tensor("t", 0, new byte[4], -1, 1, 1, 1, 1, 1), "rank 5");
        assertRefused(sample().tensor("t", 77, new byte[4], -1, 1), "unknown element type 77");
        assertRefused(sample().tensor("t", 8, new byte[34], -1, 33), "not whole blocks of 32");
        assertRefused(sample().tensor("t", 8, new byte[34], -1, 16, 2), "not whole blocks of 32");
        assertRefused(sample().tensor("b", 0, new byte[4], -1, 1), "there twice");
        assertRefused(sample().tensor("x".repeat(2000), 0, new byte[4], -1, 1), "more than 1024");
    }

    @Test
    void whatAKeyClaimsIsChecked() {
        assertRefused(sample().int32("n", 8), "key n is there twice");
        assertRefused(sample().key("k", 13, new byte[8]), "the type of k has the number 13");
        assertRefused(sample().key("k", GgufValue.Kind.STRING, new GgufBytes.Out().int64(-1).toBytes()), "the length of k");
        assertRefused(sample().key("k", GgufValue.Kind.STRING, new GgufBytes.Out().int64(1 << 30).toBytes()), "the length of k");
        byte[] hugeArray = new GgufBytes.Out().int32(GgufValue.Kind.UINT64.ordinal()).int64(1L << 61).toBytes();
        assertRefused(sample().key("k", GgufValue.Kind.ARRAY, hugeArray), "the length of k");
        byte[] nested = new GgufBytes.Out().int32(GgufValue.Kind.ARRAY.ordinal()).int64(1).toBytes();
        assertRefused(sample().key("k", GgufValue.Kind.ARRAY, nested), "array of arrays");
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, Long.MIN_VALUE, 1L << 40, GgufHeader.MAX_TENSORS + 1L})
    void countsAreBounded(long count) throws IOException {
        for (int at : new int[] {8, 16}) {
            byte[] bytes = sample().toBytes();
            java.nio.ByteBuffer.wrap(bytes).order(java.nio.ByteOrder.LITTLE_ENDIAN).putLong(at, count);
            Files.write(file(), bytes);
            assertMessage(() -> GgufCheckpoint.open(file()), file().toString(), at == 8 ? "number of tensors" : "number of keys");
        }
    }

    @Test
    void partsAreOneCheckpointNamedByTheFirst() {
        Path first = folder.resolve("m-00001-of-00002.gguf");
        Path second = folder.resolve("m-00002-of-00002.gguf");
        part(0, 2).string("general.name", "whole").int32("split.tensors.count", 2).tensor("a", GgufType.F32, floats(1), 1).write(first);
        assertMessage(() -> GgufCheckpoint.open(first), second + " is missing");
        part(1, 2).tensor("b", GgufType.F32, floats(2), 1).write(second);
        try (GgufCheckpoint checkpoint = GgufCheckpoint.open(first)) {
            assertEquals(Set.of("a", "b"), checkpoint.names());
            assertEquals(Optional.of("whole"), checkpoint.metadata().string("general.name"));
            assertEquals(2, checkpoint.tensor("b").data().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0));
        }
        assertMessage(() -> GgufCheckpoint.open(second), "part 2 of 2: name the first");
        part(0, 2).tensor("a", GgufType.F32, floats(1), 1).write(file());
        assertMessage(() -> GgufCheckpoint.open(file()), "not named like that");
        part(1, 3).tensor("b", GgufType.F32, floats(2), 1).write(second);
        assertMessage(() -> GgufCheckpoint.open(first), second + " does not say that it is part 2 of 2");
        part(1, 2).tensor("a", GgufType.F32, floats(2), 1).write(second);
        assertMessage(() -> GgufCheckpoint.open(first), "tensor a is in " + second + " and in " + first);
    }

    private static GgufBytes part(int number, int count) {
        return new GgufBytes().int32("split.no", number).int32("split.count", count);
    }

    private void assertRefused(GgufBytes bytes, String... parts) {
        bytes.write(file());
        assertMessage(() -> GgufCheckpoint.open(file()), parts);
        CheckpointException e = assertThrows(CheckpointException.class, () -> GgufCheckpoint.open(file()));
        assertTrue(e.getMessage().contains(file().toString()), e.getMessage());
    }

    private static void assertMessage(org.junit.jupiter.api.function.Executable call, String... parts) {
        CheckpointException e = assertThrows(CheckpointException.class, call);
        for (String part : parts) assertTrue(e.getMessage().contains(part), () -> "no \"" + part + "\" in: " + e.getMessage());
    }
}
