package dev.skald.compute.cpu;

import dev.skald.tensor.DType;

/**
 * Drives the products: interleaves activation rows in groups of 6, so that the kernels read them in one stream, walks a range of stripes and
 * row groups, and finishes each tile of outputs. The last group has 1 to 5 rows and is cut into 4, 2 and 1.
 */
final class VectorLinear {
    static final int GROUP_ROWS = 6;

    /** Interleaved activations: rows before a piece × padded columns, then [columns, rows of the piece]. Shared by all workers. */
    private final float[] activations;
    /** Per worker, outputs of a tile. */
    private final float[][] tiles;

    /** @param rows the most activation rows @param inputs the most columns */
    VectorLinear(int rows, int inputs, int threads) {
        activations = new float[Math.multiplyExact(rows, inputs + (inputs & 1))];
        tiles = new float[threads][2 * GROUP_ROWS * Lanes.LENGTH];
    }

    /** Rows that the piece beginning at {@code row} has, if {@code end} is the end of its group. */
    private static int piece(int row, int end) {
        int left = end - row;
        return left >= GROUP_ROWS ? GROUP_ROWS : left >= 4 ? 4 : left >= 2 ? 2 : 1;
    }

    void prepare(KernelArguments.Linear a, int firstRow, int endRow) {
        int width = Panels.paddedIn(a.type, a.in);
        for (int row = firstRow; row < endRow; ) {
            int rows = piece(row, endRow);
            for (int r = 0; r < rows; r++) {
                interleave(a.input + (row + r) * a.inputStride, a.in, width, activations, row * width + r, rows);
            }
            row += rows;
        }
    }

    private static void interleave(long from, int count, int width, float[] to, int at, int step) {
        for (int k = 0; k < count; k++) to[at + k * step] = RawMemory.loadFloat(from + 4L * k);
        for (int k = count; k < width; k++) to[at + k * step] = 0;
    }

    void run(KernelArguments.Linear a, int firstStripe, int endStripe, int firstRow, int endRow, int worker) {
        float[] tile = tiles[worker];
        if (a.rows == 1) {
            runSingle(a, firstStripe, endStripe, tile);
            return;
        }
        for (int stripe = firstStripe; stripe < endStripe; stripe++) {
            for (int out = stripe * Panels.STRIPE_ROWS; out < (stripe + 1) * Panels.STRIPE_ROWS; out += 2 * Lanes.LENGTH) {
                long w0 = vector(a, out);
                long w1 = vector(a, out + Lanes.LENGTH);
                for (int row = firstRow; row < endRow; ) {
                    int rows = piece(row, endRow);
                    multiply(a, w0, w1, rows, row, tile);
                    for (int r = 0; r < rows; r++) finish(a, row + r, out, 2 * Lanes.LENGTH, tile, 2 * r * Lanes.LENGTH);
                    row += rows;
                }
            }
        }
    }

    /** One activation row: four vectors at a time, for four chains keep a core busy that two would leave waiting. */
    private void runSingle(KernelArguments.Linear a, int firstStripe, int endStripe, float[] tile) {
        int end = endStripe * Panels.STRIPE_ROWS;
        int out = firstStripe * Panels.STRIPE_ROWS;
        for (; out + 4 * Lanes.LENGTH <= end; out += 4 * Lanes.LENGTH) {
            int steps = Panels.steps(a.type, a.in);
            long w0 = vector(a, out);
            long w1 = vector(a, out + Lanes.LENGTH);
            long w2 = vector(a, out + 2 * Lanes.LENGTH);
            long w3 = vector(a, out + 3 * Lanes.LENGTH);
            switch (a.type) {
                case F32 -> LinearF32.row1Wide(w0, w1, w2, w3, steps, activations, 0, tile);
                case F16 -> LinearF16.row1Wide(w0, w1, w2, w3, steps, activations, 0, tile);
                case BF16 -> LinearBf16.row1Wide(w0, w1, w2, w3, steps, activations, 0, tile);
                default -> throw unsupported(a.type);
            }
            finish(a, 0, out, 4 * Lanes.LENGTH, tile, 0);
        }
        for (; out < end; out += 2 * Lanes.LENGTH) {
            multiply(a, vector(a, out), vector(a, out + Lanes.LENGTH), 1, 0, tile);
            finish(a, 0, out, 2 * Lanes.LENGTH, tile, 0);
        }
    }

    /** Address of the weight's vector whose first lane is an output. */
    private static long vector(KernelArguments.Linear a, int out) {
        long panel = out / Panels.PANEL_ROWS * Panels.panelBytes(a.type, a.in);
        return a.weight + panel + 4L * (out % Panels.PANEL_ROWS);
    }

    private void multiply(KernelArguments.Linear a, long w0, long w1, int rows, int row, float[] tile) {
        int steps = Panels.steps(a.type, a.in);
        int at = row * Panels.paddedIn(a.type, a.in);
        switch (a.type) {
            case F32 -> {
                switch (rows) {
                    case 6 -> LinearF32.rows6(w0, w1, steps, activations, at, tile);
                    case 4 -> LinearF32.rows4(w0, w1, steps, activations, at, tile);
                    case 2 -> LinearF32.rows2(w0, w1, steps, activations, at, tile);
                    default -> LinearF32.row1(w0, w1, steps, activations, at, tile);
                }
            }
            case F16 -> {
                switch (rows) {
                    case 6 -> LinearF16.rows6(w0, w1, steps, activations, at, tile);
                    case 4 -> LinearF16.rows4(w0, w1, steps, activations, at, tile);
                    case 2 -> LinearF16.rows2(w0, w1, steps, activations, at, tile);
                    default -> LinearF16.row1(w0, w1, steps, activations, at, tile);
                }
            }
            case BF16 -> {
                switch (rows) {
                    case 6 -> LinearBf16.rows6(w0, w1, steps, activations, at, tile);
                    case 4 -> LinearBf16.rows4(w0, w1, steps, activations, at, tile);
                    case 2 -> LinearBf16.rows2(w0, w1, steps, activations, at, tile);
                    default -> LinearBf16.row1(w0, w1, steps, activations, at, tile);
                }
            }
            default -> throw unsupported(a.type);
        }
    }

    /** Adds the bias and stores what isn't padding. */
    private static void finish(KernelArguments.Linear a, int row, int out, int count, float[] tile, int at) {
        int end = Math.min(count, a.out - out);
        long to = a.output + row * a.outputStride + 4L * out;
        if (a.bias == 0) {
            for (int i = 0; i < end; i++) RawMemory.storeFloat(tile[at + i], to + 4L * i);
        } else {
            for (int i = 0; i < end; i++) RawMemory.storeFloat(tile[at + i] + RawMemory.loadFloat(a.bias + 4L * (out + i)), to + 4L * i);
        }
    }

    private static IllegalArgumentException unsupported(DType type) {
        return new IllegalArgumentException("no linear weights of " + type);
    }
}
