package dev.skald.compute.cpu;

import dev.skald.compute.PackedWeight;
import dev.skald.compute.Packer;
import dev.skald.compute.WeightRole;
import dev.skald.tensor.DType;
import dev.skald.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongFunction;

/**
 * Lays weights out as this CPU's kernels read them, which is the same for all instruction sets and for the kernels in Java: linear weights in
 * {@link Panels} or {@link QuantPanels}, embeddings as in the file, vectors and rope tables dense in f32.
 */
public final class CpuPacker implements Packer {
    /**
     * Raised by hand whenever a layout changes, so that files packed before are refused; a test holds the bytes of each layout against their hash.
     */
    static final int LAYOUT_VERSION = 1;

    /** Kernels read vectors from here on; mapped files begin at a page. */
    private static final long ALIGNMENT = 64;

    private final WorkerPool pool;

    CpuPacker(WorkerPool pool) {
        this.pool = pool;
    }

    /** With threads of its own. */
    public CpuPacker(int threads) {
        this(new WorkerPool(threads));
    }

    /** The name that {@link #layout} gives. */
    public static String layoutName() {
        return "cpu-" + LAYOUT_VERSION;
    }

    @Override
    public String layout() {
        return layoutName();
    }

    @Override
    public int threads() {
        return pool.threads();
    }

    @Override
    public PackedWeight pack(WeightRole role, List<Tensor> parts, LongFunction<MemorySegment> memory) {
        int cols = Packing.cols(role, parts);
        int rows = Packing.rows(role, parts);
        DType type = parts.getFirst().dtype();
        List<PackedWeight.Section> sections = switch (role) {
            case LINEAR -> linear(parts, cols, memory);
            case EMBEDDING -> List.of(new PackedWeight.Section(type, 0, rows, embedding(parts, type.bytes((long) rows * cols), memory)));
            case VECTOR, ROPE_TABLE -> {
                MemorySegment dense = memory.apply(DType.F32.bytes((long) rows * cols));
                Packing.widen(parts, dense);
                yield List.of(new PackedWeight.Section(DType.F32, 0, rows, dense));
            }
        };
        return new PackedWeight(role, type, rows, cols, sections);
    }

    private List<PackedWeight.Section> linear(List<Tensor> parts, int cols, LongFunction<MemorySegment> memory) {
        List<PackedWeight.Section> sections = new ArrayList<>();
        int row = 0;
        for (int first = 0, end; first < parts.size(); first = end) {
            DType type = parts.get(first).dtype();
            for (end = first + 1; end < parts.size() && parts.get(end).dtype() == type; ) end++;
            List<Tensor> same = parts.subList(first, end);
            int rows = Packing.rows(WeightRole.LINEAR, same);
            MemorySegment packed = memory.apply(bytes(WeightRole.LINEAR, layout(type), rows, cols));
            if (type.quantised()) QuantPanels.pack(pool, same, cols, packed);
            else Panels.pack(pool, same, rows, cols, packed);
            sections.add(new PackedWeight.Section(layout(type), row, rows, packed));
            row += rows;
        }
        return sections;
    }

    private static MemorySegment embedding(List<Tensor> parts, long bytes, LongFunction<MemorySegment> memory) {
        if (parts.size() == 1 && parts.getFirst().data().isMapped()) return parts.getFirst().data();
        MemorySegment copy = memory.apply(bytes);
        Packing.copy(parts, copy);
        return copy;
    }

    /** The layout that holds linear weights of a type, named by a type. */
    static DType layout(DType type) {
        return type.quantised() ? QuantPanels.layout(type) : type;
    }

    /** @param layout of a linear weight's section; else the type that the weight has in the checkpoint */
    static long bytes(WeightRole role, DType layout, int rows, int cols) {
        return switch (role) {
            case LINEAR -> layout.quantised() ? QuantPanels.bytes(layout, rows, cols) : Panels.bytes(layout, rows, cols);
            case EMBEDDING -> layout.bytes((long) rows * cols);
            case VECTOR, ROPE_TABLE -> DType.F32.bytes((long) rows * cols);
        };
    }

    /** @throws IllegalArgumentException if a section hasn't exactly the bytes that its layout takes: then kernels would read beyond it */
    static void check(PackedWeight packed) {
        for (PackedWeight.Section section : packed.sections()) {
            DType layout = packed.role() == WeightRole.EMBEDDING ? packed.dtype() : section.layout();
            boolean linear = packed.role() == WeightRole.LINEAR;
            if (layout == DType.I32 || linear && layout(layout) != layout) throw new IllegalArgumentException(layout + " is not a layout of " + packed.role());
            if (packed.cols() % layout.blockElements() != 0) {
                throw new IllegalArgumentException(packed.cols() + " columns are not whole blocks of " + layout);
            }
            long expected = bytes(packed.role(), layout, section.rows(), packed.cols());
            if (section.data().byteSize() != expected) {
                throw new IllegalArgumentException(section.rows() + " × " + packed.cols() + " of " + packed.role() + " in " + layout + " take " + expected
                        + " bytes, not " + section.data().byteSize());
            }
            if (linear && section.data().address() % ALIGNMENT != 0) throw new IllegalArgumentException("a section is not aligned to " + ALIGNMENT + " bytes");
        }
    }

    @Override
    public void release(List<Tensor> sources) {
        NativeMemory.dropPages(sources.stream().map(Tensor::data).toList());
    }

    @Override
    public void close() {
        pool.close();
    }
}
