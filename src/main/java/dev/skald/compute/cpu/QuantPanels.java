package dev.skald.compute.cpu;

import dev.skald.tensor.Block;
import dev.skald.tensor.DType;
import dev.skald.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * How quantised linear weights lie in memory: panels of 16 rows (outputs), in which the rows' words of four integers stand side by side, so
 * that a lane is an output whatever the width of the vectors. There are seven layouts, each named after the type that it holds as the file has it;
 * the other types' integers and scales are the same in a layout of wider integers:
 *
 * <pre>
 * layout  bytes per panel and block                       holds (bytes of 16 rows in the file)
 * Q4_0    288: words [4, 16] · scale [16] f16             Q4_0 (288)
 * Q4_1    320: words [4, 16] · scale, minimum [2, 16] f16 Q4_1 (320)
 * Q8_0    544: words [8, 16] · scale [16] f16             Q8_0 (544), Q5_0 (352), IQ4_NL (288)
 * Q5_1    576: words [8, 16] · scale, minimum [2, 16] f16 Q5_1 (384)
 * Q4_K   2368: d, dmin [2, 16] f16 · c [8, 16] · m [4, 16, 2] · words [32, 16]        Q4_K (2304)
 * Q5_K   4672: d, dmin [2, 16] f16 · c [16, 16] · m [8, 16, 2] · words [64, 16]       Q5_K (2816), Q2_K (1344)
 * Q6_K   3392: d [16] f32 · c [16, 16] · 8 × (words [4, 16] · upper bits [2, 16])     Q6_K (3360), Q3_K (1760)
 * </pre>
 *
 * In layouts with blocks of 32, a panel's words come first, then its scales. native/cpu/linear_*.c say which bits of a word are which weight.
 * Outputs are padded to whole panels with zeros.
 */
final class QuantPanels {
    static final int ROWS = Panels.PANEL_ROWS;
    /** Ranges of activation rows begin at multiples of it; every kernel's own group divides it. */
    static final int ROW_GROUP = 8;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    private static final int LINE = 4 * ROWS;

    private QuantPanels() {}

    /** The layout that holds weights of a type, named by a type. @throws IllegalArgumentException if it isn't quantised */
    static DType layout(DType type) {
        return switch (type) {
            case Q4_0 -> DType.Q4_0;
            case Q4_1 -> DType.Q4_1;
            case Q8_0, Q5_0, IQ4_NL -> DType.Q8_0;
            case Q5_1 -> DType.Q5_1;
            case Q4_K -> DType.Q4_K;
            case Q5_K, Q2_K -> DType.Q5_K;
            case Q6_K, Q3_K -> DType.Q6_K;
            case F32, F16, BF16, I32 -> throw new IllegalArgumentException(type + " is not quantised");
        };
    }

    /** Bytes that a block takes in a panel. */
    static int blockBytes(DType layout) {
        return switch (layout) {
            case Q4_0 -> 288;
            case Q4_1 -> 320;
            case Q8_0 -> 544;
            case Q5_1 -> 576;
            case Q4_K -> 2368;
            case Q5_K -> 4672;
            case Q6_K -> 3392;
            default -> throw new IllegalArgumentException(layout + " is not a layout");
        };
    }

    /** Whole cache lines. */
    static long panelBytes(DType layout, int in) {
        return Math.ceilDiv((long) in / layout.blockElements() * blockBytes(layout), LINE) * LINE;
    }

    static int panels(int out) {
        return Math.ceilDiv(out, ROWS);
    }

    static long bytes(DType layout, int out, int in) {
        return panels(out) * panelBytes(layout, in);
    }

    /**
     * Packs parts of equal type and columns, stacked by rows, a panel at a time.
     *
     * @param to zeros, {@link #bytes} of them
     */
    static void pack(WorkerPool pool, List<Tensor> parts, int in, MemorySegment to) {
        DType type = parts.getFirst().dtype();
        long rowBytes = type.bytes(in);
        List<MemorySegment> rows = new ArrayList<>();
        for (Tensor part : parts) {
            for (long r = 0; r < part.shape().dim(0); r++) rows.add(part.data().asSlice(r * rowBytes, rowBytes));
        }
        long panelBytes = panelBytes(layout(type), in);
        pool.run(
                (panel, worker) -> {
                    int first = panel * ROWS;
                    List<MemorySegment> some = rows.subList(first, Math.min(rows.size(), first + ROWS));
                    pack(type, some.toArray(MemorySegment[]::new), in, to.address() + panel * panelBytes);
                },
                panels(rows.size()));
    }

    /**
     * Packs one panel.
     *
     * @param rows  1 to 16 rows as in the file, {@code in} elements each
     * @param to    address of {@link #panelBytes} zeros
     */
    private static void pack(DType type, MemorySegment[] rows, int in, long to) {
        int blocks = in / type.blockElements();
        switch (layout(type)) {
            case Q4_0, Q4_1, Q8_0, Q5_1 -> packPlain(type, rows, blocks, to);
            case Q4_K -> packQ4K(rows, blocks, to);
            case Q5_K -> packQ5K(type, rows, blocks, to);
            case Q6_K -> packQ6K(type, rows, blocks, to);
            default -> throw new IllegalArgumentException(type + " has no layout");
        }
    }

    /** Blocks of 32; in the file d is first, then what there is of m. */
    private static void packPlain(DType type, MemorySegment[] rows, int blocks, long to) {
        DType layout = layout(type);
        boolean asInFile = layout == type && type != DType.Q5_1;
        int words = layout == DType.Q4_0 || layout == DType.Q4_1 ? 4 : 8;
        int halves = Block.hasMinima(type) ? 2 : 1;
        Block block = new Block(type);
        long scales = to + (long) blocks * words * LINE;
        for (int b = 0; b < blocks; b++) {
            long quants = to + (long) b * words * LINE;
            long from = (long) b * type.blockBytes();
            for (int r = 0; r < rows.length; r++) {
                for (int h = 0; h < halves; h++) {
                    short half = rows[r].get(ValueLayout.JAVA_SHORT_UNALIGNED, from + 2 * h);
                    RawMemory.storeShort(half, scales + (long) (b * halves + h) * 2 * ROWS + 2 * r);
                }
                if (!asInFile) block.read(rows[r], b);
                for (int j = 0; j < words; j++) {
                    int word = asInFile ? rows[r].get(INT, from + 2 * halves + 4 * j) : word(block.quants(), 4 * j, 0);
                    RawMemory.ALL.set(INT, quants + j * LINE + 4 * r, word);
                }
            }
        }
    }

    private static void packQ4K(MemorySegment[] rows, int blocks, long to) {
        final int fileQuants = 16;
        final int words = 32;
        Block block = new Block(DType.Q4_K);
        for (int b = 0; b < blocks; b++) {
            long panel = to + (long) b * blockBytes(DType.Q4_K);
            for (int r = 0; r < rows.length; r++) {
                block.read(rows[r], b);
                packHead(rows[r], (long) b * DType.Q4_K.blockBytes(), panel, r);
                packGroups(block, 1, panel + 2 * 2 * ROWS, r);
                long quants = panel + 2 * 2 * ROWS + 2L * block.groups() * ROWS;
                for (int j = 0; j < words; j++) {
                    int word = rows[r].get(INT, (long) b * DType.Q4_K.blockBytes() + fileQuants + 4 * j);
                    RawMemory.ALL.set(INT, quants + j * LINE + 4 * r, word);
                }
            }
        }
    }

    private static void packQ5K(DType type, MemorySegment[] rows, int blocks, long to) {
        final int fileHead = type == DType.Q2_K ? 80 : 0;
        final int groups = 16;
        final int words = 64;
        Block block = new Block(type);
        for (int b = 0; b < blocks; b++) {
            long panel = to + (long) b * blockBytes(DType.Q5_K);
            for (int r = 0; r < rows.length; r++) {
                block.read(rows[r], b);
                packHead(rows[r], (long) b * type.blockBytes() + fileHead, panel, r);
                packGroups(block, groups / block.groups(), panel + 2 * 2 * ROWS, r);
                long quants = panel + 2 * 2 * ROWS + 2L * groups * ROWS;
                for (int j = 0; j < words; j++) RawMemory.ALL.set(INT, quants + j * LINE + 4 * r, word(block.quants(), 4 * j, 0));
            }
        }
    }

    /** d and dmin, which stand side by side in the file. */
    private static void packHead(MemorySegment row, long from, long panel, int r) {
        RawMemory.storeShort(row.get(ValueLayout.JAVA_SHORT_UNALIGNED, from), panel + 2 * r);
        RawMemory.storeShort(row.get(ValueLayout.JAVA_SHORT_UNALIGNED, from + 2), panel + 2 * (ROWS + r));
    }

    /** Scales and minima of groups, each of which becomes {@code pieces} groups; the minima of two groups at a time are neighbours. */
    private static void packGroups(Block block, int pieces, long to, int r) {
        int groups = pieces * block.groups();
        for (int g = 0; g < groups; g++) {
            RawMemory.ALL.set(BYTE, to + (long) g * ROWS + r, block.scales()[g / pieces]);
            RawMemory.ALL.set(BYTE, to + (long) (groups + g / 2 * 2) * ROWS + 2 * r + g % 2, block.mins()[g / pieces]);
        }
    }

    private static void packQ6K(DType type, MemorySegment[] rows, int blocks, long to) {
        final int scales = 4 * ROWS;
        final int quants = scales + 16 * ROWS;
        final int offset = 32;
        Block block = new Block(type);
        byte[] q = block.quants();
        for (int b = 0; b < blocks; b++) {
            long panel = to + (long) b * blockBytes(DType.Q6_K);
            for (int r = 0; r < rows.length; r++) {
                block.read(rows[r], b);
                RawMemory.storeFloat(block.d(), panel + 4 * r);
                for (int g = 0; g < block.groups(); g++) RawMemory.ALL.set(BYTE, panel + scales + g * ROWS + r, block.scales()[g]);
                for (int i = 0; i < 8; i++) {
                    long at = panel + quants + 6 * LINE * i + 4 * r;
                    int[] top = new int[2];
                    for (int j = 0; j < 4; j++) {
                        int low = word(q, 32 * i + 4 * j, offset);
                        int high = word(q, 32 * i + 16 + 4 * j, offset);
                        RawMemory.ALL.set(INT, at + j * LINE, low & 0x0F0F0F0F | (high & 0x0F0F0F0F) << 4);
                        int upper = low >>> 4 & 0x03030303 | (high >>> 4 & 0x03030303) << 2;
                        top[j / 2] |= upper << j % 2 * 4;
                    }
                    RawMemory.ALL.set(INT, at + 4 * LINE, top[0]);
                    RawMemory.ALL.set(INT, at + 5 * LINE, top[1]);
                }
            }
        }
    }

    /** Four integers, each plus an offset, as bytes of a word. */
    private static int word(byte[] q, int at, int offset) {
        return q[at] + offset & 0xFF | (q[at + 1] + offset & 0xFF) << 8 | (q[at + 2] + offset & 0xFF) << 16 | (q[at + 3] + offset & 0xFF) << 24;
    }
}
