package dev.skald.quantize;

import dev.skald.tensor.Block;
import dev.skald.tensor.Blocks;
import dev.skald.tensor.DType;
import java.util.Arrays;

/** Blocks of one group around zero: Q4_0, Q5_0, Q8_0. */
final class PlainSymmetric implements BlockEncoder {
    private final SymmetricScales scales;
    private final Block block;
    private final float[] inverse = new float[Tile.LANES];

    PlainSymmetric(DType type, SymmetricScales scales) {
        this.scales = scales;
        block = new Block(type);
        Arrays.fill(block.scales(), (byte) 1);
    }

    @Override
    public void encode(Tile tile, int blocks, byte[] out) {
        scales.search(tile);
        for (int l = 0; l < Tile.LANES; l++) {
            scales.d[l] = BlockEncoder.f16(scales.d[l]);
            inverse[l] = SymmetricScales.finite(1 / scales.d[l]);
        }
        scales.quants(tile, inverse);
        if (block.type() == DType.Q4_0) {
            Blocks.writeQ4_0(scales.d, tile.q, blocks, out);
            return;
        }
        for (int b = 0; b < blocks; b++) {
            block.setScale(scales.d[b], 0);
            tile.quantsOf(b, block.quants(), 0);
            block.write(out, b);
        }
    }
}
