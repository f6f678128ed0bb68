package dev.skald.weights;

import dev.skald.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A weight of a packed file, as some device's kernels read it.
 *
 * @param dtype    of its first part in the source
 * @param rows     outputs
 * @param cols     inputs
 * @param sections its outputs by layout, in order
 */
public record PackedEntry(DType dtype, int rows, int cols, List<Section> sections) {
    /** @param layout named by an element type @param data its bytes */
    public record Section(DType layout, int firstRow, int rows, MemorySegment data) {}

    public PackedEntry {
        sections = List.copyOf(sections);
    }
}
