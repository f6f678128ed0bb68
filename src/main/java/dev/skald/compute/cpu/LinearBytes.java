package dev.skald.compute.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * Products of the layout Q8_0 of {@link QuantPanels}. Only two products of bytes fit 16 bits.
 *
 * <p>{@code weight}: address of a panel; {@code lane}: the first of {@link Lanes#LENGTH} outputs in it; {@code in}: columns; {@code x}: rounded activations from
 * {@code row} on; {@code tile}: out [rows, {@link Lanes#LENGTH}]. Sums are the same bits for one row and for two.
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

    static void rows2(long weight, int lane, int in, QuantisedRows x, int row, float[] tile) {
        int blocks = in / 32;
        int p0 = x.pairsAt(row);
        int d0 = x.scalesAt(row);
        int p1 = x.pairsAt(row + 1);
        int d1 = x.scalesAt(row + 1);
        FloatVector c0 = FloatVector.zero(Lanes.FLOATS);
        FloatVector c1 = c0;
        long scales = weight + blocks * 512L + 2 * lane;
        for (int b = 0; b < blocks; b++, scales += 32) {
            long quants = weight + b * 512L + 4 * lane;
            IntVector v0 = IntVector.zero(Lanes.INTS);
            IntVector v1 = v0;
            for (int j = 0; j < 8; j++) {
                IntVector w = Lanes.loadInts(quants + 64 * j);
                ShortVector even = QuantLanes.evenSigned(w);
                ShortVector odd = QuantLanes.oddSigned(w);
                v0 = v0.add(QuantLanes.sum(QuantLanes.add(QuantLanes.zero(), even, odd, x.pairs, p0 + 2 * j)));
                v1 = v1.add(QuantLanes.sum(QuantLanes.add(QuantLanes.zero(), even, odd, x.pairs, p1 + 2 * j)));
            }
            FloatVector scale = QuantLanes.halves(scales);
            c0 = QuantLanes.scaled(v0, scale, x.scales[d0], c0);
            p0 += 16;
            d0++;
            c1 = QuantLanes.scaled(v1, scale, x.scales[d1], c1);
            p1 += 16;
            d1++;
        }
        c0.intoArray(tile, 0);
        c1.intoArray(tile, Lanes.LENGTH);
    }
}
