package dev.skald.compute.cuda;

import dev.skald.tensor.Block;
import dev.skald.tensor.DType;
import dev.skald.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * How quantised linear weights lie on the device: panels of 16 rows (outputs), each a row of chunks of 64 columns in the order in which the lanes
 * of a warp feed the tensor cores, so that a lane's integers of a chunk are its own 16 bytes (or twice 16), and a warp's are neighbours. There are
 * seven layouts, each named after a type whose numbers it holds; what has no layout of its own gets wider integers, the same ones, and the
 * same scales:
 *
 * <pre>
 * layout  bytes of a chunk                                                           holds (bytes of the same in the file)
 * Q4_0     576: integers of 4 bits · d [2, 16] f16                                   Q4_0 (576)
 * Q4_1     640: integers of 4 bits · d [2, 16] f16 · m [2, 16] f16                   Q4_1 (640)
 * Q8_0    1088: integers · d [2, 16] f16                                             Q8_0 (1088), Q5_0 (704), IQ4_NL (576)
 * Q5_1    1152: integers · d [2, 16] f16 · m [2, 16] f16                             Q5_1 (768)
 * Q4_K     592: integers of 4 bits · scales [2, 16] · mins [2, 16] · head            Q4_K (576)
 * Q5_K    1168: integers · scales [4, 16] · mins [4, 16] · head                      Q5_K (704), Q2_K (336)
 * Q6_K    1104: integers · scales [4, 16] · head                                     Q6_K (840), Q3_K (440)
 * </pre>
 *
 * A head is a quarter of d, dmin [2, 16] f16, which a K type's block has for its four chunks. Lane l has rows l / 4 and l / 4 + 8, and of each half
 * block of 16 columns the four from 4 (l % 4) on. Integers of 4 bits: [lane, block, half], a byte holds both rows, the upper one's below;
 * Q4_0's have a sign. Bytes: [block, lane, half, row]. Rows and columns are padded with zeros, which add nothing.
 */
final class QuantFragments {
    static final List<DType> LAYOUTS = List.of(DType.Q4_0, DType.Q4_1, DType.Q8_0, DType.Q5_1, DType.Q4_K, DType.Q5_K, DType.Q6_K);

    static final int ROWS = 16;
    static final int CHUNK = 64;
    /** Bytes of a chunk of rounded activations: integers, four sums of 16, two scales. */
    static final int RECORD_BYTES = 80;

    private static final int HALF_ROWS = 8;
    private static final int SUPER_CHUNKS = 4;
    private static final int NIBBLE_BYTES = 512;
    private static final int INTEGER_BYTES = 1024;
    private static final int LOW = 0x0F0F0F0F;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

    private QuantFragments() {}

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

    static int chunkBytes(DType layout) {
        return switch (layout) {
            case Q4_0 -> 576;
            case Q4_1 -> 640;
            case Q8_0 -> 1088;
            case Q5_1 -> 1152;
            case Q4_K -> 592;
            case Q5_K -> 1168;
            case Q6_K -> 1104;
            default -> throw new IllegalArgumentException(layout + " is not a layout");
        };
    }

    static int chunks(int cols) {
        return Math.ceilDiv(cols, CHUNK);
    }

    static int panels(long rows) {
        return Math.toIntExact(Math.ceilDiv(rows, ROWS));
    }

    static int panelBytes(DType layout, int cols) {
        return Math.multiplyExact(chunks(cols), chunkBytes(layout));
    }

    /** Bytes on the device of weights of a type. */
    static long bytes(DType type, long rows, int cols) {
        return (long) panels(rows) * panelBytes(layout(type), cols);
    }

    /** Bytes of a row of rounded activations. */
    static int recordsBytes(int cols) {
        return chunks(cols) * RECORD_BYTES;
    }

    /** The rows of parts of equal columns, stacked. */
    static List<MemorySegment> rows(List<Tensor> parts) {
        List<MemorySegment> rows = new ArrayList<>();
        for (Tensor part : parts) {
            long rowBytes = part.dtype().bytes(part.shape().dim(1));
            for (long r = 0; r < part.shape().dim(0); r++) rows.add(part.data().asSlice(r * rowBytes, rowBytes));
        }
        return rows;
    }

    /**
     * Packs one panel.
     *
     * @param rows 1 to 16 rows as in the file, {@code cols} elements each
     * @param to   {@link #panelBytes} zeros
     */
    static void pack(DType type, List<MemorySegment> rows, int cols, MemorySegment to) {
        Block block = new Block(type);
        for (int r = 0; r < rows.size(); r++) {
            for (int b = 0; b < cols / type.blockElements(); b++) {
                block.read(rows.get(r), b);
                if (type.blockElements() == Block.MAX_ELEMENTS) packSuper(block, rows.get(r), b, r, to);
                else packPlain(block, rows.get(r), b, r, to);
            }
        }
    }

    private static boolean fourBits(DType layout) {
        return layout == DType.Q4_0 || layout == DType.Q4_1 || layout == DType.Q4_K;
    }

    /** A block of 32 of row r; in the file d is first, then what there is of m. */
    private static void packPlain(Block block, MemorySegment row, int b, int r, MemorySegment to) {
        DType layout = layout(block.type());
        MemorySegment chunk = to.asSlice((long) (b / 2) * chunkBytes(layout), chunkBytes(layout));
        putIntegers(layout, block.quants(), 0, chunk, b % 2, r);
        long tail = fourBits(layout) ? NIBBLE_BYTES : INTEGER_BYTES;
        for (int n = 0; n < (Block.hasMinima(block.type()) ? 2 : 1); n++) {
            short half = row.get(SHORT, (long) b * block.type().blockBytes() + 2 * n);
            chunk.set(SHORT, tail + 2 * (2 * ROWS * n + ROWS * (b % 2) + r), half);
        }
    }

    /** A block of 256 of row r. */
    private static void packSuper(Block block, MemorySegment row, int b, int r, MemorySegment to) {
        DType layout = layout(block.type());
        int bytes = chunkBytes(layout);
        int groups = layout == DType.Q4_K ? 2 : 4; // of a chunk
        int split = groups * SUPER_CHUNKS / block.groups(); // a group of the file becomes so many
        long scales = fourBits(layout) ? NIBBLE_BYTES : INTEGER_BYTES;
        boolean minima = layout != DType.Q6_K;
        long head = scales + (long) ROWS * groups * (minima ? 2 : 1);
        for (int c = 0; c < SUPER_CHUNKS; c++) {
            MemorySegment chunk = to.asSlice((long) (SUPER_CHUNKS * b + c) * bytes, bytes);
            for (int half = 0; half < 2; half++) putIntegers(layout, block.quants(), CHUNK * c + 32 * half, chunk, half, r);
            for (int g = 0; g < groups; g++) {
                int from = (groups * c + g) / split;
                chunk.set(BYTE, scales + ROWS * g + r, block.scales()[from]);
                if (minima) chunk.set(BYTE, scales + (long) ROWS * (groups + g) + r, block.mins()[from]);
            }
            if (c % 2 == r / HALF_ROWS) {
                boolean isMin = c >= 2;
                if (isMin && !minima) continue;
                short bits = row.get(SHORT, (long) b * block.type().blockBytes() + headAt(block.type()) + (isMin ? 2 : 0));
                chunk.set(SHORT, head + 2 * (r % HALF_ROWS), bits);
            }
        }
    }

    /** Where d stands in a block of the file; dmin follows. */
    private static int headAt(DType type) {
        return switch (type) {
            case Q4_K, Q5_K -> 0;
            case Q2_K -> 80;
            case Q3_K -> 108;
            case Q6_K -> 208;
            default -> throw new IllegalArgumentException(type + " has no groups");
        };
    }

    /** 32 integers of row r. @param block of the chunk: 0 or 1 */
    private static void putIntegers(DType layout, byte[] q, int from, MemorySegment chunk, int block, int r) {
        int lanes = r % HALF_ROWS * 4;
        boolean lower = r >= HALF_ROWS;
        for (int half = 0; half < 2; half++) {
            for (int quarter = 0; quarter < 4; quarter++) {
                int at = from + 16 * half + 4 * quarter;
                int word = q[at] & 0xFF | (q[at + 1] & 0xFF) << 8 | (q[at + 2] & 0xFF) << 16 | (q[at + 3] & 0xFF) << 24;
                int lane = lanes + quarter;
                if (!fourBits(layout)) {
                    chunk.set(INT, NIBBLE_BYTES * block + 16 * lane + 4 * (2 * half + (lower ? 1 : 0)), word);
                    continue;
                }
                int place = 16 * lane + 4 * (2 * block + half);
                int nibbles = (word & LOW) << (lower ? 4 : 0);
                chunk.set(INT, place, chunk.get(INT, place) | nibbles);
            }
        }
    }
}
