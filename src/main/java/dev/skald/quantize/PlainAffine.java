package dev.skald.quantize;

import dev.skald.tensor.Block;
import dev.skald.tensor.DType;

/** Blocks of one group above an offset: Q4_1, Q5_1. */
final class PlainAffine implements BlockEncoder {
    private final AffineScales scales;
    private final Block block;
    private final float[] inverse = new float[Tile.LANES];

    PlainAffine(DType type, AffineScales scales) {
        this.scales = scales;
        block = new Block(type);
        block.scales()[0] = 1;
        block.mins()[0] = 1;
    }

    @Override
    public void encode(Tile tile, int blocks, byte[] out) {
        scales.search(tile);
        for (int l = 0; l < Tile.LANES; l++) {
            scales.d[l] = BlockEncoder.f16(scales.d[l]);
            scales.m[l] = BlockEncoder.f16(scales.m[l]);
            inverse[l] = SymmetricScales.finite(1 / scales.d[l]);
        }
        scales.quants(tile, inverse, scales.m);
        for (int b = 0; b < blocks; b++) {
            block.setScale(scales.d[b], -scales.m[b]);
            tile.quantsOf(b, block.quants(), 0);
            block.write(out, b);
        }
    }
}
