package dev.skald.compute.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * The floating-point half of products with quantised weights: a block's integer sums times its scales, block after block, into one vector of
 * outputs. Small methods, as in {@link LinearProducts}.
 *
 * <p>All take: {@code scales}, the address of the first block's for the vector's first lane; {@code blocks}; {@code products} and {@code minima} [blocks, lanes]; {@code x}, of
 * which {@code row} is taken; {@code out} [lanes].
 */
final class LinearSums {
    private LinearSums() {}

    /** Scales in f16. @param offset what was added to each weight's integer */
    static void rowScaled(long scales, int blocks, int offset, int[] products, QuantisedRows x, int row, float[] out) {
        FloatVector sum = FloatVector.zero(Lanes.FLOATS);
        for (int b = 0; b < blocks; b++) {
            IntVector exact = IntVector.fromArray(Lanes.INTS, products, b * Lanes.LENGTH).sub(offset * x.sum32(row, b));
            sum = QuantLanes.scaled(exact, QuantLanes.halves(scales + 32L * b), x.scale32(row, b), sum);
        }
        sum.intoArray(out, 0);
    }

    /** Scales and minima in f16, side by side. @param perBlock sums of a block: 1 or 2 */
    static void rowWithMinimum(long scales, int blocks, int perBlock, int[] products, QuantisedRows x, int row, float[] out) {
        FloatVector sum = FloatVector.zero(Lanes.FLOATS);
        for (int b = 0; b < blocks; b++) {
            IntVector exact = IntVector.fromArray(Lanes.INTS, products, perBlock * b * Lanes.LENGTH);
            if (perBlock == 2) exact = exact.add(IntVector.fromArray(Lanes.INTS, products, (2 * b + 1) * Lanes.LENGTH));
            float scale = x.scale32(row, b);
            sum = QuantLanes.scaled(exact, QuantLanes.halves(scales + 64L * b), scale, sum);
            sum = FloatVector.broadcast(Lanes.FLOATS, (float) x.sum32(row, b)).fma(QuantLanes.halves(scales + 64L * b + 32).mul(scale), sum);
        }
        sum.intoArray(out, 0);
    }

    /** Blocks of 256 with d and dmin at their beginning. @param step bytes from one block to the next */
    static void rowBlocksWithMinima(long scales, int step, int blocks, int[] products, int[] minima, QuantisedRows x, int row, float[] out) {
        FloatVector sum = FloatVector.zero(Lanes.FLOATS);
        for (int b = 0; b < blocks; b++) {
            float scale = x.scale256(row, b);
            long at = scales + (long) b * step;
            IntVector exact = IntVector.fromArray(Lanes.INTS, products, b * Lanes.LENGTH);
            sum = QuantLanes.scaled(exact, QuantLanes.halves(at), scale, sum);
            exact = IntVector.fromArray(Lanes.INTS, minima, b * Lanes.LENGTH);
            sum = QuantLanes.scaled(exact, QuantLanes.halves(at + 32).neg(), scale, sum);
        }
        sum.intoArray(out, 0);
    }

    /** Blocks of 256 with scales in f32 at their beginning. */
    static void rowBlocks(long scales, int step, int blocks, int[] products, QuantisedRows x, int row, float[] out) {
        FloatVector sum = FloatVector.zero(Lanes.FLOATS);
        for (int b = 0; b < blocks; b++) {
            IntVector exact = IntVector.fromArray(Lanes.INTS, products, b * Lanes.LENGTH);
            sum = QuantLanes.scaled(exact, Lanes.load(scales + (long) b * step), x.scale256(row, b), sum);
        }
        sum.intoArray(out, 0);
    }
}
