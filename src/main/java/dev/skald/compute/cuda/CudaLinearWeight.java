package dev.skald.compute.cuda;

import dev.skald.compute.Weight;
import dev.skald.tensor.DType;
import java.util.List;

/**
 * A linear weight in device memory. Parts of different types, as files mix them in what a decoder stacks, stay what they are: each is a section of
 * the outputs with a layout of its own.
 *
 * @param dtype    the type of its first part in the checkpoint
 * @param sections in the order of their rows; not empty
 */
record CudaLinearWeight(DType dtype, int rows, int cols, List<Section> sections) implements Weight {
    /**
     * @param layout   F32, F16, BF16: row-major; else one of {@link QuantFragments}
     * @param firstRow its first output
     * @param rows     its outputs
     * @param stride   row-major: elements from row to row, zeros after the columns; else bytes from panel to panel
     */
    record Section(DType layout, int firstRow, int rows, int cols, int stride, long bytes, long address) {}

    CudaLinearWeight {
        sections = List.copyOf(sections);
    }

    /** @throws IllegalArgumentException if it was packed by another device, or for another role */
    static CudaLinearWeight of(Weight weight) {
        if (weight instanceof CudaLinearWeight ours) return ours;
        if (weight instanceof CudaWeight other) throw new IllegalArgumentException("a weight packed as " + other.role() + " is used as LINEAR");
        throw new IllegalArgumentException("a weight of another device: " + weight.getClass());
    }

    @Override
    public long bytes() {
        return sections.stream().mapToLong(Section::bytes).sum();
    }
}
