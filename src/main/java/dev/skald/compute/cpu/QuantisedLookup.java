package dev.skald.compute.cpu;

import dev.skald.tensor.Block;
import dev.skald.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Rows of a quantised table, as the file has it, widened exactly. Filled by the engine thread; workers run ranges of rows. */
final class QuantisedLookup implements Ranges.Work {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

    /** Per worker. */
    private final Block[] blocks;
    private final float[][] elements;

    private MemorySegment table = MemorySegment.NULL;
    private NativeInts ids = NativeInts.NONE;
    private int cols;
    private long output;

    QuantisedLookup(DType type, int threads) {
        blocks = new Block[threads];
        elements = new float[threads][type.blockElements()];
        for (int i = 0; i < threads; i++) blocks[i] = new Block(type);
    }

    /** @param table whole rows @param ids row of the table for each row of the output @param output address of [rows, cols] f32 */
    QuantisedLookup of(MemorySegment table, int cols, NativeInts ids, long output) {
        this.table = table;
        this.cols = cols;
        this.ids = ids;
        this.output = output;
        return this;
    }

    @Override
    public void run(int first, int end, int worker) {
        Block block = blocks[worker];
        float[] values = elements[worker];
        int perRow = cols / values.length;
        for (int r = first; r < end; r++) {
            for (int b = 0; b < perRow; b++) {
                block.read(table, (long) ids.get(r) * perRow + b).dequantise(values, 0);
                MemorySegment.copy(values, 0, RawMemory.ALL, FLOAT, output + 4L * ((long) r * cols + (long) b * values.length), values.length);
            }
        }
    }
}
