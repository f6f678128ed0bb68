package dev.skald.compute.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.compute.AttentionShape;
import dev.skald.compute.Batch;
import dev.skald.compute.BatchLimits;
import dev.skald.compute.DeviceInfo;
import dev.skald.compute.KvCache;
import dev.skald.compute.KvGroup;
import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import dev.skald.sampling.SamplingParams;
import dev.skald.sampling.SlotSetup;
import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the device refuses, what it says of itself, and where its memory is. */
class CpuDeviceTest {
    private static final BatchLimits LIMITS = new BatchLimits(8, 2, 4, 3, 0);

    private static CpuDevice started() {
        CpuDevice device = CpuDevice.open(CpuOptions.java(2));
        device.start(LIMITS, cache(device), 10);
        return device;
    }

    private static KvCache cache(CpuDevice device) {
        return device.kvCache(List.of(new KvGroup(1, 1, 8, 16, DType.F16)), 5);
    }

    /** Kernels go by address: a wrong index must be an exception, never a read beyond the pool. */
    @Test
    void aBatchThatPointsOutsideIsRefused() {
        try (CpuDevice device = started()) {
            refused(device, "block 5", b -> b.tableChange(0, 0, 5));
            refused(device, "block of a block-table change -1", b -> b.tableChange(0, 0, -1));
            refused(device, "index of a block-table change 3", b -> b.tableChange(0, 3, 0));
            refused(device, "slot of a block-table change 2", b -> b.tableChange(2, 0, 0));
            refused(device, "source of a block copy", b -> b.copyBlock(9, 0));
            refused(device, "target of a block copy", b -> b.copyBlock(0, 9));
            refused(device, "position 48", b -> token(b, 0, 48));
            refused(device, "position -1", b -> token(b, 0, -1));
            refused(device, "slot 7", b -> token(b, 7, 0));
            refused(device, "token of a row 1", b -> {
                token(b, 0, 0);
                b.row(1, 0, -1, -1);
            });
            refused(device, "slot of a row 2", b -> {
                token(b, 0, 0);
                b.row(0, 2, -1, -1);
            });
            Batch fine = device.batch(LIMITS);
            token(fine, 1, 47);
            device.upload(fine);
        }
    }

    private static void token(Batch batch, int slot, int position) {
        batch.beginSequence(slot, Math.max(1, position + 1));
        batch.token(0, position);
    }

    private static void refused(CpuDevice device, String what, Consumer<Batch> filler) {
        Batch batch = device.batch(LIMITS);
        filler.accept(batch);
        String message = assertThrows(IllegalArgumentException.class, () -> device.upload(batch)).getMessage();
        assertTrue(message.contains(what.startsWith("block 5") ? "block of a block-table change 5" : what), message);
    }

    @Test
    void aTokenOutsideTheVocabularyOrTheRopeTableIsRefused() {
        try (CpuDevice device = CpuDevice.open(CpuOptions.java(1))) {
            Weight embedding = device.pack(WeightRole.EMBEDDING, List.of(zeros(4, 8)));
            Weight rope = device.pack(WeightRole.ROPE_TABLE, List.of(zeros(20, 8)));
            device.start(LIMITS, cache(device), 10);
            device.setSlot(0, new SlotSetup(SamplingParams.GREEDY, 1, 0, 0, List.of(), new int[0], new int[0]));
            Buffer x = device.buffer(DType.F32, 8, 8);
            Buffer qkv = device.buffer(DType.F32, 8, 24);
            Batch batch = device.batch(LIMITS);
            batch.beginSequence(0, 21);
            batch.token(4, 20);
            device.upload(batch);
            assertThrows(IllegalArgumentException.class, () -> device.ops().embed(embedding, x));
            AttentionShape shape = new AttentionShape(1, 1, 8, 1);
            assertThrows(IllegalArgumentException.class, () -> device.ops().ropeStore(shape, qkv, rope, 0));
            assertThrows(IllegalArgumentException.class, () -> device.ops().attention(shape, qkv, 1, x));
        }
    }

    private static Tensor zeros(int rows, int cols) {
        return new Tensor("zeros", DType.F32, Shape.of(rows, cols), MemorySegment.ofArray(new float[rows * cols]));
    }

    @Test
    void nothingIsAllocatedAfterTheStartAndNothingRunsBeforeIt() {
        try (CpuDevice device = CpuDevice.open(CpuOptions.java(1))) {
            Buffer buffer = device.buffer(DType.F32, 8, 8);
            assertThrows(IllegalStateException.class, () -> device.upload(device.batch(LIMITS)));
            assertThrows(IllegalStateException.class, () -> device.ops().gatherRows(buffer, buffer));
            device.start(LIMITS, cache(device), 10);
            assertThrows(IllegalStateException.class, () -> device.pack(WeightRole.LINEAR, List.of(zeros(2, 2))));
        }
    }

    @Test
    void blocksOfAnotherSizeOrTypeAreRefused() {
        try (CpuDevice device = CpuDevice.open(CpuOptions.java(1))) {
            assertThrows(IllegalArgumentException.class, () -> device.kvCache(List.of(new KvGroup(1, 1, 8, 32, DType.F16)), 1));
            assertThrows(IllegalArgumentException.class, () -> device.kvCache(List.of(new KvGroup(1, 1, 8, 16, DType.I32)), 1));
            assertThrows(IllegalArgumentException.class, () -> device.buffer(DType.F16, 1, 1));
        }
    }

    @Test
    void f16WeightsThatArentFiniteAreRefusedByName() {
        try (CpuDevice device = CpuDevice.open(CpuOptions.java(2))) {
            short[] data = new short[40 * 3];
            data[100] = Float.floatToFloat16(Float.POSITIVE_INFINITY);
            Tensor tensor = new Tensor("layer.weight", DType.F16, Shape.of(40, 3), MemorySegment.ofArray(data));
            var thrown = assertThrows(IllegalArgumentException.class, () -> device.pack(WeightRole.LINEAR, List.of(tensor)));
            assertTrue(thrown.getMessage().contains("layer.weight"), thrown.getMessage());
        }
    }

    @Test
    void aMappedEmbeddingIsReadFromTheFileAndLinearWeightsArePacked(@TempDir Path folder) throws IOException {
        Path file = Files.write(folder.resolve("w"), new byte[40 * 3 * 2]);
        try (Arena arena = Arena.ofShared();
                FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
                CpuDevice device = CpuDevice.open(CpuOptions.java(1))) {
            MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            Tensor tensor = new Tensor("w", DType.BF16, Shape.of(40, 3), mapped);
            assertEquals(0, device.pack(WeightRole.EMBEDDING, List.of(tensor)).bytes());
            assertEquals(2 * 40 * 3 * 2, device.pack(WeightRole.EMBEDDING, List.of(tensor, tensor)).bytes());
            Weight linear = device.pack(WeightRole.LINEAR, List.of(tensor));
            assertEquals(64 * 4 * 2, linear.bytes()); // rows padded to 64, columns to 4
            assertEquals(40, linear.rows());
            assertEquals(3, linear.cols());
            assertEquals(DType.BF16, linear.dtype());
        }
    }

    @Test
    void itSaysWhatItRunsOn() {
        try (CpuDevice device = CpuDevice.open(new CpuOptions(OptionalInt.empty(), CpuOptions.Choice.JAVA, Optional.empty(), Optional.empty()))) {
            DeviceInfo info = device.info();
            assertEquals("cpu", info.backend());
            assertEquals("java-vector-" + Lanes.FLOATS.vectorBitSize(), info.isa());
            assertEquals(Runtime.getRuntime().availableProcessors(), info.threads());
            assertFalse(info.name().isBlank());
            assertTrue(info.why().contains("processors"), info.why());
            assertFalse(device.asynchronous());
        }
    }

    @Test
    void aProcessorIsNamedAsItNamesItself(@TempDir Path folder) throws IOException {
        Path x86 = Files.writeString(folder.resolve("x86"), "processor\t: 0\nmodel\t\t: 17\nmodel name\t: Some CPU 9000\nflags: a b\n");
        assertEquals(Optional.of("Some CPU 9000"), Processor.cpuInfo(x86));
        assertEquals(Optional.empty(), Processor.cpuInfo(Files.writeString(folder.resolve("arm"), "processor\t: 0\nBogoMIPS\t: 50\n")));
        assertEquals(Optional.empty(), Processor.cpuInfo(folder.resolve("none")));
    }
}
