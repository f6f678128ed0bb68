package dev.skald.compute.cpu;

import dev.skald.compute.Weight;
import dev.skald.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A packed linear weight. Parts of different types, as files mix them in what a decoder stacks, stay what they are: each is a section of the
 * outputs with a layout of its own.
 *
 * @param dtype    the type of its first part in the checkpoint
 * @param sections in the order of their rows; not empty
 */
record CpuLinearWeight(DType dtype, int rows, int cols, List<Section> sections) implements Weight {
    /**
     * @param layout   {@link Panels}' for F32, F16 and BF16, else one of {@link QuantPanels}
     * @param firstRow its first output
     * @param rows     its outputs
     */
    record Section(DType layout, int firstRow, int rows, MemorySegment memory) {
        long address() {
            return memory.address();
        }
    }

    CpuLinearWeight {
        sections = List.copyOf(sections);
    }

    /** @throws IllegalArgumentException if it was packed by another device, or for another role */
    static CpuLinearWeight of(Weight weight) {
        if (weight instanceof CpuLinearWeight ours) return ours;
        if (weight instanceof CpuWeight other) throw new IllegalArgumentException("a weight packed as " + other.role() + ", used as LINEAR");
        throw new IllegalArgumentException("a weight of another device: " + weight.getClass());
    }

    @Override
    public long bytes() {
        return sections.stream().map(Section::memory).filter(memory -> !memory.isMapped()).mapToLong(MemorySegment::byteSize).sum();
    }
}
