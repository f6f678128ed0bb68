package dev.skald.compute.cpu;

import dev.skald.tensor.DType;
import dev.skald.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * How a linear weight [out, in] lies in memory: panels of 16 rows (outputs) one after the other, a lane of 4 bytes for each row. F32:
 * [panel, in, 16]. F16 and BF16: [panel, ⌈in/2⌉, 16, 2], so that a lane holds two neighbours in k, and two shifts widen both. A lane is an
 * output, whatever the width of the vectors. Outputs are padded to whole stripes and odd {@code in} to even, with zeros.
 */
final class Panels {
    static final int PANEL_ROWS = 16;
    /** The least a kernel works on: two panels, so that two vectors share each activation even at 512 bits. */
    static final int STRIPE_ROWS = 2 * PANEL_ROWS;

    private static final int LANE_BYTES = 4;
    private static final int F16_EXPONENT = 0x7C00;

    private Panels() {}

    static int stripes(int out) {
        return Math.ceilDiv(out, STRIPE_ROWS);
    }

    /** Steps of a panel: k, or pairs of k. */
    static int steps(DType type, int in) {
        return switch (type) {
            case F32 -> in;
            case F16, BF16 -> Math.ceilDiv(in, 2);
            default -> throw new IllegalArgumentException("no linear weights of " + type);
        };
    }

    /** {@code in} with the padding that the layout gives it. */
    static int paddedIn(DType type, int in) {
        return type == DType.F32 ? in : in + (in & 1);
    }

    static long panelBytes(DType type, int in) {
        return (long) steps(type, in) * PANEL_ROWS * LANE_BYTES;
    }

    static long bytes(DType type, int out, int in) {
        return 2 * stripes(out) * panelBytes(type, in);
    }

    /**
     * Packs parts of equal type and columns, stacked by rows.
     *
     * @param to zeros, {@link #bytes} of them
     * @throws IllegalArgumentException if an F16 part holds infinities or NaN: kernels widen finite values only
     */
    static void pack(WorkerPool pool, List<Tensor> parts, int out, int in, MemorySegment to) {
        try (Arena arena = Arena.ofShared()) {
            DType type = parts.getFirst().dtype();
            long[] rows = new long[out];
            int at = 0;
            for (Tensor part : parts) {
                // Kernels and packing read by address, which an array on the heap doesn't have.
                MemorySegment data = part.data().isNative() ? part.data() : arena.allocate(part.data().byteSize(), 64).copyFrom(part.data());
                for (long r = 0; r < part.shape().dim(0); r++) rows[at++] = data.address() + type.bytes(r * in);
            }
            int panels = Math.ceilDiv(out, PANEL_ROWS);
            long panelBytes = panelBytes(type, in);
            pool.run(
                    (panel, worker) -> {
                        long address = to.address() + panel * panelBytes;
                        packPanel(type, rows, panel, in, address);
                        if (type == DType.F16) requireFinite(parts, address, panelBytes);
                    },
                    panels);
        }
    }

    private static void packPanel(DType type, long[] rows, int panel, int in, long to) {
        int first = panel * PANEL_ROWS;
        int count = Math.min(PANEL_ROWS, rows.length - first);
        int whole = type == DType.F32 ? in : in / 2;
        for (int s = 0; s < whole; s++) {
            long step = to + (long) s * PANEL_ROWS * LANE_BYTES;
            for (int r = 0; r < count; r++) {
                RawMemory.storeInt(RawMemory.loadInt(rows[first + r] + (long) LANE_BYTES * s), step + LANE_BYTES * r);
            }
        }
        if (whole == steps(type, in)) return;
        for (int r = 0; r < count; r++) {
            short last = RawMemory.loadShort(rows[first + r] + (long) LANE_BYTES * whole);
            RawMemory.storeInt(last & 0xFFFF, to + (long) whole * PANEL_ROWS * LANE_BYTES + LANE_BYTES * r);
        }
    }

    private static void requireFinite(List<Tensor> parts, long address, long bytes) {
        for (long i = 0; i < bytes; i += 2) {
            if ((RawMemory.loadShort(address + i) & F16_EXPONENT) == F16_EXPONENT) {
                throw new IllegalArgumentException(
                        "an infinity or NaN in F16 weights " + parts.stream().map(Tensor::name).distinct().toList() + "; load them with --dtype f32");
            }
        }
    }
}
