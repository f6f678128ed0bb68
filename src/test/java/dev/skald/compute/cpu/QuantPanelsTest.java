package dev.skald.compute.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.compute.QuantisedWeights;
import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import dev.skald.tensor.DType;
import dev.skald.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuantPanelsTest {
    /** Percent of the file's bytes that a weight takes in memory. */
    @ParameterizedTest
    @CsvSource({"Q4_0,100", "Q8_0,100", "Q4_1,100", "Q4_K,103", "Q6_K,101", "Q5_1,150", "Q5_0,155", "Q5_K,166", "IQ4_NL,189", "Q3_K,193", "Q2_K,348"})
    void packedWeightsTakeLittleMoreThanTheFileInTheirOwnLayouts(DType type, int percent) {
        long packed = QuantPanels.bytes(QuantPanels.layout(type), 4096, 4096);
        long file = type.bytes(4096L * 4096);
        assertEquals(percent, Math.ceilDiv(100 * packed, file));
    }

    @Test
    void theDeviceForesaysWhatItTakes() {
        try (CpuDevice device = CpuDevice.open(CpuOptions.java(2))) {
            for (DType type : QuantisedWeights.TYPES) {
                Weight weight = device.pack(WeightRole.LINEAR, List.of(QuantisedWeights.random(type, 37, 512, 1)));
                assertEquals(weight.bytes(), device.packedBytes(WeightRole.LINEAR, type, 37, 512));
                assertEquals(type, weight.dtype());
            }
        }
    }

    @Test
    void onlyQuantisedTypesHaveALayout() {
        assertThrows(IllegalArgumentException.class, () -> QuantPanels.layout(DType.F16));
        assertThrows(IllegalArgumentException.class, () -> QuantPanels.blockBytes(DType.Q5_0));
    }

    @Test
    void packingFromAMappedFileGivesTheSameBytesAndLeavesTheFileReadable(@TempDir Path folder) throws IOException {
        Tensor tensor = QuantisedWeights.random(DType.Q4_0, 2048, 512, 2);
        Path file = Files.write(folder.resolve("w"), tensor.data().toArray(ValueLayout.JAVA_BYTE));
        try (Arena arena = Arena.ofShared();
                FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
                CpuDevice device = CpuDevice.open(CpuOptions.java(2))) {
            MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            assertEquals(bytes(device, tensor), bytes(device, new Tensor("w", DType.Q4_0, tensor.shape(), mapped)));
            assertTrue(tensor.data().mismatch(mapped) < 0);
        }
    }

    private static List<Byte> bytes(CpuDevice device, Tensor tensor) {
        CpuLinearWeight weight = CpuLinearWeight.of(device.pack(WeightRole.LINEAR, List.of(tensor)));
        byte[] bytes = weight.sections().getFirst().memory().toArray(ValueLayout.JAVA_BYTE);
        return java.util.stream.IntStream.range(0, bytes.length).mapToObj(i -> bytes[i]).toList();
    }
}
