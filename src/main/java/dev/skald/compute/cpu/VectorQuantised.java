package dev.skald.compute.cpu;

import dev.skald.tensor.DType;

/** Drives the products with quantised weights: for each panel, all activation rows, one vector of outputs at a time. */
final class VectorQuantised {
    private final QuantisedRows rows;
    /** Per worker, outputs of a vector for up to two rows. */
    private final float[][] tiles;

    /** @param rows the most activation rows @param inputs the most columns */
    VectorQuantised(int rows, int inputs, int threads) {
        this.rows = new QuantisedRows(rows, inputs);
        tiles = new float[threads][2 * Lanes.LENGTH];
    }

    void prepare(KernelArguments.Linear a, int firstRow, int endRow) {
        for (int row = firstRow; row < endRow; row++) rows.round(a.type, row, a.input + row * a.inputStride, a.in);
    }

    void run(KernelArguments.Linear a, int firstPanel, int endPanel, int firstRow, int endRow, int worker) {
        float[] tile = tiles[worker];
        for (int panel = firstPanel; panel < endPanel; panel++) {
            long weight = a.weight + panel * QuantPanels.panelBytes(a.type, a.in);
            for (int lane = 0; lane < QuantPanels.ROWS; lane += Lanes.LENGTH) {
                int out = panel * QuantPanels.ROWS + lane;
                if (out >= a.out) break;
                int row = firstRow;
                for (; row + 2 <= endRow; row += 2) {
                    multiply2(a.type, weight, lane, a.in, row, tile);
                    for (int r = 0; r < 2; r++) finish(a, row + r, out, tile, r * Lanes.LENGTH);
                }
                for (; row < endRow; row++) {
                    multiply(a.type, weight, lane, a.in, row, tile);
                    finish(a, row, out, tile, 0);
                }
            }
        }
    }

    private void multiply(DType layout, long weight, int lane, int in, int row, float[] tile) {
        switch (layout) {
            case Q4_0 -> LinearNibbles.row(weight, lane, in, false, rows, row, tile);
            case Q4_1 -> LinearNibbles.row(weight, lane, in, true, rows, row, tile);
            case Q8_0 -> LinearBytes.row(weight, lane, in, rows, row, tile);
            case Q5_1 -> LinearFiveBits.row(weight, lane, in, rows, row, tile);
            case Q4_K -> LinearQ4K.row(weight, lane, in, rows, row, tile);
            case Q5_K -> LinearQ5K.row(weight, lane, in, rows, row, tile);
            case Q6_K -> LinearQ6K.row(weight, lane, in, rows, row, tile);
            default -> throw new IllegalArgumentException(layout + " is not a layout");
        }
    }

    /** Two rows at once: unpacking the weights costs as much as multiplying them. */
    private void multiply2(DType layout, long weight, int lane, int in, int row, float[] tile) {
        switch (layout) {
            case Q4_0 -> LinearNibbles.rows2(weight, lane, in, false, rows, row, tile);
            case Q4_1 -> LinearNibbles.rows2(weight, lane, in, true, rows, row, tile);
            case Q8_0 -> LinearBytes.rows2(weight, lane, in, rows, row, tile);
            case Q5_1 -> LinearFiveBits.rows2(weight, lane, in, rows, row, tile);
            case Q4_K -> LinearQ4K.rows2(weight, lane, in, rows, row, tile);
            case Q5_K -> LinearQ5K.rows2(weight, lane, in, rows, row, tile);
            case Q6_K -> LinearQ6K.rows2(weight, lane, in, rows, row, tile);
            default -> throw new IllegalArgumentException(layout + " is not a layout");
        }
    }

    /** Adds the bias and stores what isn't padding. */
    private static void finish(KernelArguments.Linear a, int row, int out, float[] tile, int at) {
        int end = Math.min(Lanes.LENGTH, a.out - out);
        long to = a.output + row * a.outputStride + 4L * out;
        for (int i = 0; i < end; i++) {
            float bias = a.bias == 0 ? 0 : RawMemory.loadFloat(a.bias + 4L * (out + i));
            RawMemory.storeFloat(a.bias == 0 ? tile[at + i] : tile[at + i] + bias, to + 4L * i);
        }
    }
}
