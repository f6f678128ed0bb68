package dev.skald.compute.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.compute.PackedWeight;
import dev.skald.compute.QuantisedWeights;
import dev.skald.compute.TestTensors;
import dev.skald.compute.WeightRole;
import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

class CpuPackerTest {
    /** Files hold these bytes: whoever changes one raises {@link CpuPacker#LAYOUT_VERSION}. */
    private static final Map<DType, Long> LAYOUT_1 = Map.ofEntries(
            Map.entry(DType.F32, 2742545136L),
            Map.entry(DType.F16, 1859719016L),
            Map.entry(DType.BF16, 1043676314L),
            Map.entry(DType.Q4_0, 64344299L),
            Map.entry(DType.Q4_1, 391394864L),
            Map.entry(DType.Q5_0, 1787781976L),
            Map.entry(DType.Q5_1, 2055351382L),
            Map.entry(DType.Q8_0, 417701629L),
            Map.entry(DType.IQ4_NL, 2337482717L),
            Map.entry(DType.Q2_K, 2982180973L),
            Map.entry(DType.Q3_K, 1437548970L),
            Map.entry(DType.Q4_K, 2174028923L),
            Map.entry(DType.Q5_K, 1691712201L),
            Map.entry(DType.Q6_K, 2694487631L));

    @Test
    void theBytesOfALayoutAreThoseOfItsVersion() {
        assertEquals(1, CpuPacker.LAYOUT_VERSION);
        Map<DType, Long> sums = new TreeMap<>();
        for (DType type : DType.values()) {
            if (type == DType.I32) continue;
            Tensor tensor = type.quantised() ? QuantisedWeights.random(type, 37, 512, 1) : dense(type);
            CRC32C sum = new CRC32C();
            pack(List.of(tensor)).sections().forEach(section -> sum.update(section.data().toArray(ValueLayout.JAVA_BYTE)));
            sums.put(type, sum.getValue());
        }
        assertEquals(new TreeMap<>(LAYOUT_1), sums);
    }

    /** Both sizes are odd. */
    private static Tensor dense(DType type) {
        float[] values = new float[37 * 51];
        for (int i = 0; i < values.length; i++) values[i] = (i % 101 - 50) / 64f;
        return TestTensors.convert(type, new Tensor("dense", DType.F32, Shape.of(37, 51), MemorySegment.ofArray(values)));
    }

    private static PackedWeight pack(List<Tensor> parts) {
        try (CpuPacker packer = new CpuPacker(2)) {
            return packer.pack(WeightRole.LINEAR, parts, bytes -> Arena.ofAuto().allocate(bytes, 64));
        }
    }

    @Test
    void aWeightOfWrongSizeIsNotAdopted() {
        PackedWeight right = pack(List.of(QuantisedWeights.random(DType.Q4_0, 37, 512, 1), QuantisedWeights.random(DType.Q6_K, 16, 512, 2)));
        try (CpuDevice device = CpuDevice.open(CpuOptions.java(1))) {
            assertEquals(53, device.adopt(right).rows());
            PackedWeight.Section first = right.sections().getFirst();
            for (PackedWeight.Section wrong : List.of(
                    new PackedWeight.Section(DType.Q4_0, 0, 37, first.data().asSlice(0, first.data().byteSize() - 64)),
                    new PackedWeight.Section(DType.Q8_0, 0, 37, first.data()),
                    new PackedWeight.Section(DType.Q5_0, 0, 37, first.data()),
                    new PackedWeight.Section(DType.I32, 0, 37, first.data()),
                    new PackedWeight.Section(DType.Q4_0, 0, 37, shifted(first.data())))) {
                PackedWeight packed = new PackedWeight(WeightRole.LINEAR, DType.Q4_0, 53, 512, List.of(wrong, right.sections().getLast()));
                IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> device.adopt(packed));
                assertTrue(e.getMessage().contains("bytes") || e.getMessage().contains("layout"), e.getMessage());
            }
        }
        assertThrows(IllegalArgumentException.class, () -> new PackedWeight(WeightRole.LINEAR, DType.Q4_0, 54, 512, right.sections()));
    }

    /** The same bytes, not aligned. */
    private static MemorySegment shifted(MemorySegment data) {
        return Arena.ofAuto().allocate(data.byteSize() + 4, 64).asSlice(4).copyFrom(data);
    }
}
