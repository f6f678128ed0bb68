package dev.skald.compute.cpu;

/** Drives the products with quantised weights: for each panel, all activation rows, one vector of outputs at a time. */
final class VectorQuantised {
    private final QuantisedRows rows;
    /** Per worker. */
    private final QuantisedTile[] tiles;

    /** @param rows the most activation rows @param inputs the most columns */
    VectorQuantised(int rows, int inputs, int threads) {
        this.rows = new QuantisedRows(rows, inputs);
        tiles = new QuantisedTile[threads];
        for (int i = 0; i < threads; i++) tiles[i] = new QuantisedTile(inputs);
    }

    void prepare(KernelArguments.Linear a, int firstRow, int endRow) {
        for (int row = firstRow; row < endRow; row++) rows.round(a.type, row, a.input + row * a.inputStride, a.in);
    }

    void run(KernelArguments.Linear a, int firstPanel, int endPanel, int firstRow, int endRow, int worker) {
        QuantisedTile tile = tiles[worker];
        for (int panel = firstPanel; panel < endPanel; panel++) {
            long weight = a.weight + panel * QuantPanels.panelBytes(a.type, a.in);
            for (int lane = 0; lane < QuantPanels.ROWS; lane += Lanes.LENGTH) {
                int out = panel * QuantPanels.ROWS + lane;
                if (out >= a.out) break;
                for (int row = firstRow; row < endRow; row++) {
                    tile.multiply(a.type, weight, lane, a.in, rows, row);
                    finish(a, row, out, tile.sums);
                }
            }
        }
    }

    /** Adds the bias and stores what isn't padding. */
    private static void finish(KernelArguments.Linear a, int row, int out, float[] sums) {
        int end = Math.min(Lanes.LENGTH, a.out - out);
        long to = a.output + row * a.outputStride + 4L * out;
        if (a.bias == 0) {
            for (int i = 0; i < end; i++) RawMemory.storeFloat(sums[i], to + 4L * i);
        } else {
            for (int i = 0; i < end; i++) RawMemory.storeFloat(sums[i] + RawMemory.loadFloat(a.bias + 4L * (out + i)), to + 4L * i);
        }
    }
}
