package dev.skald.compute.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Products of the layout Q6_K of {@link QuantPanels}. Eight products of six bits around zero fit 16 bits.
 *
 * <p>{@code weight}: address of a panel; {@code lane}: the first of {@link Lanes#LENGTH} outputs in it; {@code in}: columns; {@code x}: rounded activations from
 * {@code row} on; {@code tile}: out [rows, {@link Lanes#LENGTH}]. Sums are the same bits for one row and for two.
 */
final class LinearQ6K {
    private static final int SCALES_AT = 64;
    private static final int QUANTS_AT = 320;
    private static final int BLOCK_BYTES = 3392;
    private static final short OFFSET = 32;

    private LinearQ6K() {}

    static void row(long weight, int lane, int in, QuantisedRows x, int row, float[] tile) {
        int blocks = in / 256;
        int p0 = x.pairsAt(row);
        int d0 = x.scalesAt(row);
        FloatVector c0 = FloatVector.zero(Lanes.FLOATS);
        for (int b = 0; b < blocks; b++) {
            long block = weight + b * (long) BLOCK_BYTES;
            IntVector t0 = IntVector.zero(Lanes.INTS);
            for (int i = 0; i < 8; i++) {
                long quants = block + QUANTS_AT + 384 * i + 4 * lane;
                ShortVector v0 = QuantLanes.zero();
                for (int j = 0; j < 4; j++) {
                    IntVector w = Lanes.loadInts(quants + 64 * j);
                    IntVector top = Lanes.loadInts(quants + 256 + 64 * (j / 2)).lanewise(VectorOperators.LSHR, j % 2 * 4).and(0x03030303);
                    w = w.and(0x0F0F0F0F).or(top.lanewise(VectorOperators.LSHL, 4));
                    ShortVector even = QuantLanes.even(w).sub(OFFSET);
                    ShortVector odd = QuantLanes.odd(w).sub(OFFSET);
                    v0 = QuantLanes.add(v0, even, odd, x.pairs, p0 + 16 * i + 2 * j);
                }
                IntVector c = QuantLanes.signedBytes(block + SCALES_AT + 32 * i + lane);
                t0 = t0.add(QuantLanes.sum(v0).mul(c));
                v0 = QuantLanes.zero();
                for (int j = 0; j < 4; j++) {
                    IntVector w = Lanes.loadInts(quants + 64 * j);
                    IntVector top = Lanes.loadInts(quants + 256 + 64 * (j / 2)).lanewise(VectorOperators.LSHR, j % 2 * 4 + 2).and(0x03030303);
                    w = w.lanewise(VectorOperators.LSHR, 4).and(0x0F0F0F0F).or(top.lanewise(VectorOperators.LSHL, 4));
                    ShortVector even = QuantLanes.even(w).sub(OFFSET);
                    ShortVector odd = QuantLanes.odd(w).sub(OFFSET);
                    v0 = QuantLanes.add(v0, even, odd, x.pairs, p0 + 16 * i + 2 * j + 8);
                }
                c = QuantLanes.signedBytes(block + SCALES_AT + 32 * i + 16 + lane);
                t0 = t0.add(QuantLanes.sum(v0).mul(c));
            }
            FloatVector scale = Lanes.load(block + 4 * lane);
            c0 = QuantLanes.scaled(t0, scale, x.scales[d0], c0);
            p0 += 128;
            d0 += 8;
        }
        c0.intoArray(tile, 0);
    }

    static void rows2(long weight, int lane, int in, QuantisedRows x, int row, float[] tile) {
        int blocks = in / 256;
        int p0 = x.pairsAt(row);
        int d0 = x.scalesAt(row);
        int p1 = x.pairsAt(row + 1);
        int d1 = x.scalesAt(row + 1);
        FloatVector c0 = FloatVector.zero(Lanes.FLOATS);
        FloatVector c1 = c0;
        for (int b = 0; b < blocks; b++) {
            long block = weight + b * (long) BLOCK_BYTES;
            IntVector t0 = IntVector.zero(Lanes.INTS);
            IntVector t1 = t0;
            for (int i = 0; i < 8; i++) {
                long quants = block + QUANTS_AT + 384 * i + 4 * lane;
                ShortVector v0 = QuantLanes.zero();
                ShortVector v1 = v0;
                for (int j = 0; j < 4; j++) {
                    IntVector w = Lanes.loadInts(quants + 64 * j);
                    IntVector top = Lanes.loadInts(quants + 256 + 64 * (j / 2)).lanewise(VectorOperators.LSHR, j % 2 * 4).and(0x03030303);
                    w = w.and(0x0F0F0F0F).or(top.lanewise(VectorOperators.LSHL, 4));
                    ShortVector even = QuantLanes.even(w).sub(OFFSET);
                    ShortVector odd = QuantLanes.odd(w).sub(OFFSET);
                    v0 = QuantLanes.add(v0, even, odd, x.pairs, p0 + 16 * i + 2 * j);
                    v1 = QuantLanes.add(v1, even, odd, x.pairs, p1 + 16 * i + 2 * j);
                }
                IntVector c = QuantLanes.signedBytes(block + SCALES_AT + 32 * i + lane);
                t0 = t0.add(QuantLanes.sum(v0).mul(c));
                v0 = QuantLanes.zero();
                t1 = t1.add(QuantLanes.sum(v1).mul(c));
                v1 = QuantLanes.zero();
                for (int j = 0; j < 4; j++) {
                    IntVector w = Lanes.loadInts(quants + 64 * j);
                    IntVector top = Lanes.loadInts(quants + 256 + 64 * (j / 2)).lanewise(VectorOperators.LSHR, j % 2 * 4 + 2).and(0x03030303);
                    w = w.lanewise(VectorOperators.LSHR, 4).and(0x0F0F0F0F).or(top.lanewise(VectorOperators.LSHL, 4));
                    ShortVector even = QuantLanes.even(w).sub(OFFSET);
                    ShortVector odd = QuantLanes.odd(w).sub(OFFSET);
                    v0 = QuantLanes.add(v0, even, odd, x.pairs, p0 + 16 * i + 2 * j + 8);
                    v1 = QuantLanes.add(v1, even, odd, x.pairs, p1 + 16 * i + 2 * j + 8);
                }
                c = QuantLanes.signedBytes(block + SCALES_AT + 32 * i + 16 + lane);
                t0 = t0.add(QuantLanes.sum(v0).mul(c));
                t1 = t1.add(QuantLanes.sum(v1).mul(c));
            }
            FloatVector scale = Lanes.load(block + 4 * lane);
            c0 = QuantLanes.scaled(t0, scale, x.scales[d0], c0);
            p0 += 128;
            d0 += 8;
            c1 = QuantLanes.scaled(t1, scale, x.scales[d1], c1);
            p1 += 128;
            d1 += 8;
        }
        c0.intoArray(tile, 0);
        c1.intoArray(tile, Lanes.LENGTH);
    }
}
