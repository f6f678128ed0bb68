package dev.skald.compute.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Products of the layout Q4_K of {@link QuantPanels}.
 *
 * <p>{@code weight}: address of a panel; {@code lane}: the first of {@link Lanes#LENGTH} outputs in it; {@code in}: columns; {@code x}: rounded activations from
 * {@code row} on; {@code tile}: out [rows, {@link Lanes#LENGTH}]. Sums are the same bits for one row and for two.
 */
final class LinearQ4K {
    private static final int SCALES_AT = 64;
    private static final int MINIMA_AT = 192;
    private static final int QUANTS_AT = 320;
    private static final int BLOCK_BYTES = 2368;

    private LinearQ4K() {}

    static void row(long weight, int lane, int in, QuantisedRows x, int row, float[] tile) {
        int blocks = in / 256;
        int p0 = x.pairsAt(row);
        int d0 = x.scalesAt(row);
        int s0 = x.sumsAt(row);
        FloatVector c0 = FloatVector.zero(Lanes.FLOATS);
        for (int b = 0; b < blocks; b++) {
            long block = weight + b * (long) BLOCK_BYTES;
            IntVector t0 = IntVector.zero(Lanes.INTS);
            for (int i = 0; i < 4; i++) {
                long quants = block + QUANTS_AT + 512 * i + 4 * lane;
                ShortVector v0 = QuantLanes.zero();
                for (int j = 0; j < 8; j++) {
                    IntVector w = Lanes.loadInts(quants + 64 * j);
                    ShortVector even = QuantLanes.nibbles(w, 0);
                    ShortVector odd = QuantLanes.nibbles(w, 8);
                    v0 = QuantLanes.add(v0, even, odd, x.pairs, p0 + 32 * i + 2 * j);
                }
                IntVector c = QuantLanes.unsignedBytes(block + SCALES_AT + 32 * i + lane);
                t0 = t0.add(QuantLanes.sum(v0).mul(c));
                v0 = QuantLanes.zero();
                for (int j = 0; j < 8; j++) {
                    IntVector w = Lanes.loadInts(quants + 64 * j);
                    ShortVector even = QuantLanes.nibbles(w, 4);
                    ShortVector odd = QuantLanes.nibbles(w, 12);
                    v0 = QuantLanes.add(v0, even, odd, x.pairs, p0 + 32 * i + 16 + 2 * j);
                }
                c = QuantLanes.unsignedBytes(block + SCALES_AT + 32 * i + 16 + lane);
                t0 = t0.add(QuantLanes.sum(v0).mul(c));
            }
            IntVector m0 = IntVector.zero(Lanes.INTS);
            for (int g = 0; g < 8; g += 2) {
                IntVector both = Lanes.loadShorts(block + MINIMA_AT + 16 * g + 2 * lane);
                IntVector low = both.and(0xFF);
                IntVector high = both.lanewise(VectorOperators.LSHR, 8);
                m0 = m0.add(low.mul(x.sums[s0 + 2 * g] + x.sums[s0 + 2 * g + 1])).add(high.mul(x.sums[s0 + 2 * g + 2] + x.sums[s0 + 2 * g + 3]));
            }
            FloatVector scale = QuantLanes.halves(block + 2 * lane);
            FloatVector least = QuantLanes.halves(block + 32 + 2 * lane).neg();
            c0 = QuantLanes.scaled(t0, scale, x.scales[d0], c0);
            c0 = QuantLanes.scaled(m0, least, x.scales[d0], c0);
            p0 += 128;
            d0 += 8;
            s0 += 16;
        }
        c0.intoArray(tile, 0);
    }

    static void rows2(long weight, int lane, int in, QuantisedRows x, int row, float[] tile) {
        int blocks = in / 256;
        int p0 = x.pairsAt(row);
        int d0 = x.scalesAt(row);
        int s0 = x.sumsAt(row);
        int p1 = x.pairsAt(row + 1);
        int d1 = x.scalesAt(row + 1);
        int s1 = x.sumsAt(row + 1);
        FloatVector c0 = FloatVector.zero(Lanes.FLOATS);
        FloatVector c1 = c0;
        for (int b = 0; b < blocks; b++) {
            long block = weight + b * (long) BLOCK_BYTES;
            IntVector t0 = IntVector.zero(Lanes.INTS);
            IntVector t1 = t0;
            for (int i = 0; i < 4; i++) {
                long quants = block + QUANTS_AT + 512 * i + 4 * lane;
                ShortVector v0 = QuantLanes.zero();
                ShortVector v1 = v0;
                for (int j = 0; j < 8; j++) {
                    IntVector w = Lanes.loadInts(quants + 64 * j);
                    ShortVector even = QuantLanes.nibbles(w, 0);
                    ShortVector odd = QuantLanes.nibbles(w, 8);
                    v0 = QuantLanes.add(v0, even, odd, x.pairs, p0 + 32 * i + 2 * j);
                    v1 = QuantLanes.add(v1, even, odd, x.pairs, p1 + 32 * i + 2 * j);
                }
                IntVector c = QuantLanes.unsignedBytes(block + SCALES_AT + 32 * i + lane);
                t0 = t0.add(QuantLanes.sum(v0).mul(c));
                v0 = QuantLanes.zero();
                t1 = t1.add(QuantLanes.sum(v1).mul(c));
                v1 = QuantLanes.zero();
                for (int j = 0; j < 8; j++) {
                    IntVector w = Lanes.loadInts(quants + 64 * j);
                    ShortVector even = QuantLanes.nibbles(w, 4);
                    ShortVector odd = QuantLanes.nibbles(w, 12);
                    v0 = QuantLanes.add(v0, even, odd, x.pairs, p0 + 32 * i + 16 + 2 * j);
                    v1 = QuantLanes.add(v1, even, odd, x.pairs, p1 + 32 * i + 16 + 2 * j);
                }
                c = QuantLanes.unsignedBytes(block + SCALES_AT + 32 * i + 16 + lane);
                t0 = t0.add(QuantLanes.sum(v0).mul(c));
                t1 = t1.add(QuantLanes.sum(v1).mul(c));
            }
            IntVector m0 = IntVector.zero(Lanes.INTS);
            IntVector m1 = m0;
            for (int g = 0; g < 8; g += 2) {
                IntVector both = Lanes.loadShorts(block + MINIMA_AT + 16 * g + 2 * lane);
                IntVector low = both.and(0xFF);
                IntVector high = both.lanewise(VectorOperators.LSHR, 8);
                m0 = m0.add(low.mul(x.sums[s0 + 2 * g] + x.sums[s0 + 2 * g + 1])).add(high.mul(x.sums[s0 + 2 * g + 2] + x.sums[s0 + 2 * g + 3]));
                m1 = m1.add(low.mul(x.sums[s1 + 2 * g] + x.sums[s1 + 2 * g + 1])).add(high.mul(x.sums[s1 + 2 * g + 2] + x.sums[s1 + 2 * g + 3]));
            }
            FloatVector scale = QuantLanes.halves(block + 2 * lane);
            FloatVector least = QuantLanes.halves(block + 32 + 2 * lane).neg();
            c0 = QuantLanes.scaled(t0, scale, x.scales[d0], c0);
            c0 = QuantLanes.scaled(m0, least, x.scales[d0], c0);
            p0 += 128;
            d0 += 8;
            s0 += 16;
            c1 = QuantLanes.scaled(t1, scale, x.scales[d1], c1);
            c1 = QuantLanes.scaled(m1, least, x.scales[d1], c1);
            p1 += 128;
            d1 += 8;
            s1 += 16;
        }
        c0.intoArray(tile, 0);
        c1.intoArray(tile, Lanes.LENGTH);
    }
}
