package dev.skald.compute.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * Products of the layout Q8_0 of {@link QuantPanels}. Only two products of bytes fit 16 bits.
 *
 * <p>{@code weight}: address of a panel; {@code lane}: the first of {@link Lanes#LENGTH} outputs in it; {@code in}: columns; {@code x}: rounded activations from
 * {@code row} on; {@code tile}: out [rows, {@link Lanes#LENGTH}]. Sums are the same bits for one row and for four.
 */
final class LinearBytes {
    private LinearBytes() {}

    static void row(long weight, int lane, int in, QuantisedRows x, int row, float[] tile) {
        int blocks = in / 32;
        int p0 = x.pairsAt(row);
        int d0 = x.scalesAt(row);
        FloatVector c0 = FloatVector.zero(Lanes.FLOATS);
        long scales = weight + blocks * 512L + 2 * lane;
        for (int b = 0; b < blocks; b++, scales += 32) {
            long quants = weight + b * 512L + 4 * lane;
            IntVector v0 = IntVector.zero(Lanes.INTS);
            for (int j = 0; j < 8; j++) {
                IntVector w = Lanes.loadInts(quants + 64 * j);
                ShortVector even = QuantLanes.evenSigned(w);
                ShortVector odd = QuantLanes.oddSigned(w);
                v0 = v0.add(QuantLanes.sum(QuantLanes.add(QuantLanes.zero(), even, odd, x.pairs, p0 + 2 * j)));
            }
            FloatVector scale = QuantLanes.halves(scales);
            c0 = QuantLanes.scaled(v0, scale, x.scales[d0], c0);
            p0 += 16;
            d0++;
        }
        c0.intoArray(tile, 0);
    }

    static void rows4(long weight, int lane, int in, QuantisedRows x, int row, float[] tile) {
        int blocks = in / 32;
        int p0 = x.pairsAt(row);
        int d0 = x.scalesAt(row);
        int p1 = x.pairsAt(row + 1);
        int d1 = x.scalesAt(row + 1);
        int p2 = x.pairsAt(row + 2);
        int d2 = x.scalesAt(row + 2);
        int p3 = x.pairsAt(row + 3);
        int d3 = x.scalesAt(row + 3);
        FloatVector c0 = FloatVector.zero(Lanes.FLOATS);
        FloatVector c1 = c0;
        FloatVector c2 = c0;
        FloatVector c3 = c0;
        long scales = weight + blocks * 512L + 2 * lane;
        for (int b = 0; b < blocks; b++, scales += 32) {
            long quants = weight + b * 512L + 4 * lane;
            IntVector v0 = IntVector.zero(Lanes.INTS);
            IntVector v1 = v0;
            IntVector v2 = v0;
            IntVector v3 = v0;
            for (int j = 0; j < 8; j++) {
                IntVector w = Lanes.loadInts(quants + 64 * j);
                ShortVector even = QuantLanes.evenSigned(w);
                ShortVector odd = QuantLanes.oddSigned(w);
                v0 = v0.add(QuantLanes.sum(QuantLanes.add(QuantLanes.zero(), even, odd, x.pairs, p0 + 2 * j)));
                v1 = v1.add(QuantLanes.sum(QuantLanes.add(QuantLanes.zero(), even, odd, x.pairs, p1 + 2 * j)));
                v2 = v2.add(QuantLanes.sum(QuantLanes.add(QuantLanes.zero(), even, odd, x.pairs, p2 + 2 * j)));
                v3 = v3.add(QuantLanes.sum(QuantLanes.add(QuantLanes.zero(), even, odd, x.pairs, p3 + 2 * j)));
            }
            FloatVector scale = QuantLanes.halves(scales);
            c0 = QuantLanes.scaled(v0, scale, x.scales[d0], c0);
            p0 += 16;
            d0++;
            c1 = QuantLanes.scaled(v1, scale, x.scales[d1], c1);
            p1 += 16;
            d1++;
            c2 = QuantLanes.scaled(v2, scale, x.scales[d2], c2);
            p2 += 16;
            d2++;
            c3 = QuantLanes.scaled(v3, scale, x.scales[d3], c3);
            p3 += 16;
            d3++;
        }
        c0.intoArray(tile, 0);
        c1.intoArray(tile, Lanes.LENGTH);
        c2.intoArray(tile, 2 * Lanes.LENGTH);
        c3.intoArray(tile, 3 * Lanes.LENGTH);
    }
}
