package dev.skald.compute.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * Products of the layout Q5_1 of {@link QuantPanels}. Eight products of five bits fit 16 bits.
 *
 * <p>{@code weight}: address of a panel; {@code lane}: the first of {@link Lanes#LENGTH} outputs in it; {@code in}: columns; {@code x}: rounded activations from
 * {@code row} on; {@code tile}: out [rows, {@link Lanes#LENGTH}]. Sums are the same bits for one row and for two.
 */
final class LinearFiveBits {
    private LinearFiveBits() {}

    static void row(long weight, int lane, int in, QuantisedRows x, int row, float[] tile) {
        int blocks = in / 32;
        int p0 = x.pairsAt(row);
        int d0 = x.scalesAt(row);
        int s0 = x.sumsAt(row);
        FloatVector c0 = FloatVector.zero(Lanes.FLOATS);
        long scales = weight + blocks * 512L + 2 * lane;
        for (int b = 0; b < blocks; b++, scales += 64) {
            long quants = weight + b * 512L + 4 * lane;
            IntVector t0 = IntVector.zero(Lanes.INTS);
            for (int half = 0; half < 8; half += 4) {
                ShortVector v0 = QuantLanes.zero();
                for (int j = half; j < half + 4; j++) {
                    IntVector w = Lanes.loadInts(quants + 64 * j);
                    ShortVector even = QuantLanes.even(w);
                    ShortVector odd = QuantLanes.odd(w);
                    v0 = QuantLanes.add(v0, even, odd, x.pairs, p0 + 2 * j);
                }
                t0 = t0.add(QuantLanes.sum(v0));
            }
            FloatVector scale = QuantLanes.halves(scales);
            FloatVector least = QuantLanes.halves(scales + 32);
            c0 = QuantLanes.scaled(t0, scale, x.scales[d0], c0);
            c0 = FloatVector.broadcast(Lanes.FLOATS, x.sums[s0] + x.sums[s0 + 1]).fma(least.mul(x.scales[d0]), c0);
            p0 += 16;
            d0++;
            s0 += 2;
        }
        c0.intoArray(tile, 0);
    }

    static void rows2(long weight, int lane, int in, QuantisedRows x, int row, float[] tile) {
        int blocks = in / 32;
        int p0 = x.pairsAt(row);
        int d0 = x.scalesAt(row);
        int s0 = x.sumsAt(row);
        int p1 = x.pairsAt(row + 1);
        int d1 = x.scalesAt(row + 1);
        int s1 = x.sumsAt(row + 1);
        FloatVector c0 = FloatVector.zero(Lanes.FLOATS);
        FloatVector c1 = c0;
        long scales = weight + blocks * 512L + 2 * lane;
        for (int b = 0; b < blocks; b++, scales += 64) {
            long quants = weight + b * 512L + 4 * lane;
            IntVector t0 = IntVector.zero(Lanes.INTS);
            IntVector t1 = t0;
            for (int half = 0; half < 8; half += 4) {
                ShortVector v0 = QuantLanes.zero();
                ShortVector v1 = v0;
                for (int j = half; j < half + 4; j++) {
                    IntVector w = Lanes.loadInts(quants + 64 * j);
                    ShortVector even = QuantLanes.even(w);
                    ShortVector odd = QuantLanes.odd(w);
                    v0 = QuantLanes.add(v0, even, odd, x.pairs, p0 + 2 * j);
                    v1 = QuantLanes.add(v1, even, odd, x.pairs, p1 + 2 * j);
                }
                t0 = t0.add(QuantLanes.sum(v0));
                t1 = t1.add(QuantLanes.sum(v1));
            }
            FloatVector scale = QuantLanes.halves(scales);
            FloatVector least = QuantLanes.halves(scales + 32);
            c0 = QuantLanes.scaled(t0, scale, x.scales[d0], c0);
            c0 = FloatVector.broadcast(Lanes.FLOATS, x.sums[s0] + x.sums[s0 + 1]).fma(least.mul(x.scales[d0]), c0);
            p0 += 16;
            d0++;
            s0 += 2;
            c1 = QuantLanes.scaled(t1, scale, x.scales[d1], c1);
            c1 = FloatVector.broadcast(Lanes.FLOATS, x.sums[s1] + x.sums[s1 + 1]).fma(least.mul(x.scales[d1]), c1);
            p1 += 16;
            d1++;
            s1 += 2;
        }
        c0.intoArray(tile, 0);
        c1.intoArray(tile, Lanes.LENGTH);
    }
}
