package dev.skald.compute;

import dev.skald.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A weight in the layout that a device's kernels read, in host memory: what a {@link Packer} makes and a device of the same layout adopts.
 *
 * @param role     what it is for
 * @param dtype    the type of its first part in the checkpoint
 * @param rows     outputs; 1 for a vector
 * @param cols     inputs
 * @param sections in the order of their rows, which they cover; more than one only for {@link WeightRole#LINEAR}
 */
public record PackedWeight(WeightRole role, DType dtype, int rows, int cols, List<Section> sections) {
    /**
     * Outputs of one layout.
     *
     * @param layout   named by an element type; what it means is the device's
     * @param firstRow its first output
     * @param rows     its outputs
     * @param data     its bytes, beginning at a multiple of 64 where kernels read vectors from it
     */
    public record Section(DType layout, int firstRow, int rows, MemorySegment data) {}

    /** @throws IllegalArgumentException if the sections don't cover the rows one after the other */
    public PackedWeight {
        sections = List.copyOf(sections);
        if (rows < 1 || cols < 1) throw new IllegalArgumentException("a weight of " + rows + " × " + cols);
        long row = 0;
        for (Section section : sections) {
            if (section.rows < 1 || section.firstRow != row) throw new IllegalArgumentException("a section of rows from " + section.firstRow + " where " + row + " is next");
            row += section.rows;
        }
        if (row != rows || role != WeightRole.LINEAR && sections.size() != 1) {
            throw new IllegalArgumentException(sections.size() + " sections of " + row + " rows together for a weight of " + rows);
        }
    }
}
