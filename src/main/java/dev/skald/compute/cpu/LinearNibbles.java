package dev.skald.compute.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * Products of the layouts Q4_0 and (with a minimum) Q4_1 of {@link QuantPanels}.
 *
 * <p>{@code weight}: address of a panel; {@code lane}: the first of {@link Lanes#LENGTH} outputs in it; {@code in}: columns; {@code x}: rounded activations from
 * {@code row} on; {@code tile}: out [rows, {@link Lanes#LENGTH}]. Sums are the same bits for one row and for two.
 */
final class LinearNibbles {
    private LinearNibbles() {}

    static void row(long weight, int lane, int in, boolean minimum, QuantisedRows x, int row, float[] tile) {
        int blocks = in / 32;
        int p0 = x.pairsAt(row);
        int d0 = x.scalesAt(row);
        int s0 = x.sumsAt(row);
        FloatVector c0 = FloatVector.zero(Lanes.FLOATS);
        long scales = weight + blocks * 256L + 2 * lane;
        int halves = minimum ? 64 : 32;
        for (int b = 0; b < blocks; b++, scales += halves) {
            long quants = weight + b * 256L + 4 * lane;
            ShortVector v0 = QuantLanes.zero();
            for (int j = 0; j < 4; j++) {
                IntVector w = Lanes.loadInts(quants + 64 * j);
                ShortVector even = QuantLanes.nibbles(w, 0);
                ShortVector odd = QuantLanes.nibbles(w, 8);
                v0 = QuantLanes.add(v0, even, odd, x.pairs, p0 + 2 * j);
                even = QuantLanes.nibbles(w, 4);
                odd = QuantLanes.nibbles(w, 12);
                v0 = QuantLanes.add(v0, even, odd, x.pairs, p0 + 2 * j + 8);
            }
            FloatVector scale = QuantLanes.halves(scales);
            int sum0 = x.sums[s0] + x.sums[s0 + 1];
            if (minimum) {
                FloatVector least = QuantLanes.halves(scales + 32);
                c0 = QuantLanes.scaled(QuantLanes.sum(v0), scale, x.scales[d0], c0);
                c0 = FloatVector.broadcast(Lanes.FLOATS, sum0).fma(least.mul(x.scales[d0]), c0);
            } else {
                c0 = QuantLanes.scaled(QuantLanes.sum(v0).sub(8 * sum0), scale, x.scales[d0], c0);
            }
            p0 += 16;
            d0++;
            s0 += 2;
        }
        c0.intoArray(tile, 0);
    }

    static void rows2(long weight, int lane, int in, boolean minimum, QuantisedRows x, int row, float[] tile) {
        int blocks = in / 32;
        int p0 = x.pairsAt(row);
        int d0 = x.scalesAt(row);
        int s0 = x.sumsAt(row);
        int p1 = x.pairsAt(row + 1);
        int d1 = x.scalesAt(row + 1);
        int s1 = x.sumsAt(row + 1);
        FloatVector c0 = FloatVector.zero(Lanes.FLOATS);
        FloatVector c1 = c0;
        long scales = weight + blocks * 256L + 2 * lane;
        int halves = minimum ? 64 : 32;
        for (int b = 0; b < blocks; b++, scales += halves) {
            long quants = weight + b * 256L + 4 * lane;
            ShortVector v0 = QuantLanes.zero();
            ShortVector v1 = v0;
            for (int j = 0; j < 4; j++) {
                IntVector w = Lanes.loadInts(quants + 64 * j);
                ShortVector even = QuantLanes.nibbles(w, 0);
                ShortVector odd = QuantLanes.nibbles(w, 8);
                v0 = QuantLanes.add(v0, even, odd, x.pairs, p0 + 2 * j);
                v1 = QuantLanes.add(v1, even, odd, x.pairs, p1 + 2 * j);
                even = QuantLanes.nibbles(w, 4);
                odd = QuantLanes.nibbles(w, 12);
                v0 = QuantLanes.add(v0, even, odd, x.pairs, p0 + 2 * j + 8);
                v1 = QuantLanes.add(v1, even, odd, x.pairs, p1 + 2 * j + 8);
            }
            FloatVector scale = QuantLanes.halves(scales);
            int sum0 = x.sums[s0] + x.sums[s0 + 1];
            int sum1 = x.sums[s1] + x.sums[s1 + 1];
            if (minimum) {
                FloatVector least = QuantLanes.halves(scales + 32);
                c0 = QuantLanes.scaled(QuantLanes.sum(v0), scale, x.scales[d0], c0);
                c0 = FloatVector.broadcast(Lanes.FLOATS, sum0).fma(least.mul(x.scales[d0]), c0);
                c1 = QuantLanes.scaled(QuantLanes.sum(v1), scale, x.scales[d1], c1);
                c1 = FloatVector.broadcast(Lanes.FLOATS, sum1).fma(least.mul(x.scales[d1]), c1);
            } else {
                c0 = QuantLanes.scaled(QuantLanes.sum(v0).sub(8 * sum0), scale, x.scales[d0], c0);
                c1 = QuantLanes.scaled(QuantLanes.sum(v1).sub(8 * sum1), scale, x.scales[d1], c1);
            }
            p0 += 16;
            d0++;
            s0 += 2;
            p1 += 16;
            d1++;
            s1 += 2;
        }
        c0.intoArray(tile, 0);
        c1.intoArray(tile, Lanes.LENGTH);
    }
}
