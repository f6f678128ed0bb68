package dev.skald.compute.cpu;

import dev.skald.tensor.DType;

/** One vector of outputs of one activation row: first the integers of all blocks, then the sum. Belongs to a worker. */
final class QuantisedTile {
    private static final int Q4_K_QUANTS = 320;
    private static final int Q5_K_QUANTS = 576;
    private static final int Q6_K_QUANTS = 320;
    /** Where a block of 256 has the scales of its groups. */
    private static final int GROUP_SCALES = 64;
    private static final int Q4_K_MINIMA = 192;
    private static final int Q5_K_MINIMA = 320;

    /** Result: [lanes]. */
    final float[] sums = new float[Lanes.LENGTH];
    /** [blocks, lanes]. */
    private final int[] products;
    private final int[] minima;

    /** @param inputs the most columns */
    QuantisedTile(int inputs) {
        products = new int[inputs / 16 * Lanes.LENGTH];
        minima = new int[inputs / 256 * Lanes.LENGTH];
    }

    /** @param panel address @param lane the first output in it @param in columns */
    void multiply(DType layout, long panel, int lane, int in, QuantisedRows x, int row) {
        int at = x.pairsAt(row);
        int blocks = in / layout.blockElements();
        long words = panel + 4 * lane;
        switch (layout) {
            case Q4_0 -> {
                LinearProducts.rowNibbles(words, blocks, x.pairs, at, products);
                LinearSums.rowScaled(panel + 256L * blocks + 2 * lane, blocks, 8, products, x, row, sums);
            }
            case Q4_1 -> {
                LinearProducts.rowNibbles(words, blocks, x.pairs, at, products);
                LinearSums.rowWithMinimum(panel + 256L * blocks + 2 * lane, blocks, 1, products, x, row, sums);
            }
            case Q8_0 -> {
                LinearProducts.rowSigned(words, blocks, x.pairs, at, products);
                LinearSums.rowScaled(panel + 512L * blocks + 2 * lane, blocks, 0, products, x, row, sums);
            }
            case Q5_1 -> {
                LinearProducts.rowFiveBits(words, 2 * blocks, x.pairs, at, products);
                LinearSums.rowWithMinimum(panel + 512L * blocks + 2 * lane, blocks, 2, products, x, row, sums);
            }
            case Q4_K, Q5_K -> multiplyWithMinima(layout, panel, lane, blocks, x, row);
            case Q6_K -> {
                int step = QuantPanels.blockBytes(DType.Q6_K);
                for (int b = 0; b < blocks; b++) {
                    long block = panel + (long) b * step;
                    LinearProducts.rowQ6K(block + Q6_K_QUANTS + 4 * lane, block + GROUP_SCALES + lane, x.pairs, at + 128 * b, products, b * Lanes.LENGTH);
                }
                LinearSums.rowBlocks(words, step, blocks, products, x, row, sums);
            }
            default -> throw new IllegalArgumentException(layout + " is not a layout");
        }
    }

    private void multiplyWithMinima(DType layout, long panel, int lane, int blocks, QuantisedRows x, int row) {
        int step = QuantPanels.blockBytes(layout);
        for (int b = 0; b < blocks; b++) {
            long block = panel + (long) b * step;
            long scales = block + GROUP_SCALES + lane;
            int at = x.pairsAt(row) + 128 * b;
            int out = b * Lanes.LENGTH;
            if (layout == DType.Q4_K) {
                LinearProducts.rowQ4K(block + Q4_K_QUANTS + 4 * lane, scales, x.pairs, at, products, out);
                LinearProducts.rowMinima(block + Q4_K_MINIMA + 2 * lane, 8, 2, x.sums, x.sumsAt(row) + 16 * b, minima, out);
            } else {
                LinearProducts.rowQ5K(block + Q5_K_QUANTS + 4 * lane, scales, x.pairs, at, products, out);
                LinearProducts.rowMinima(block + Q5_K_MINIMA + 2 * lane, 16, 1, x.sums, x.sumsAt(row) + 16 * b, minima, out);
            }
        }
        LinearSums.rowBlocksWithMinima(panel + 2 * lane, step, blocks, products, minima, x, row, sums);
    }
}
