package dev.skald.quantize;

import dev.skald.tensor.Block;
import dev.skald.tensor.Blocks;
import dev.skald.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** Blocks of one group around zero: Q4_0, Q5_0, Q8_0. */
final class PlainSymmetric implements BlockEncoder {
    private final SymmetricScales scales;
    private final Block block;
    private final byte[] bytes;
    private final float[] inverse = new float[Tile.LANES];

    PlainSymmetric(DType type, SymmetricScales scales) {
        this.scales = scales;
        block = new Block(type);
        bytes = new byte[type == DType.Q4_0 ? Tile.LANES * type.blockBytes() : 0];
        Arrays.fill(block.scales(), (byte) 1);
    }

    @Override
    public void encode(Tile tile, int blocks, MemorySegment target, long firstBlock) {
        scales.search(tile);
        for (int l = 0; l < Tile.LANES; l++) {
            scales.d[l] = BlockEncoder.f16(scales.d[l]);
            inverse[l] = SymmetricScales.finite(1 / scales.d[l]);
        }
        scales.quants(tile, inverse);
        if (block.type() == DType.Q4_0) {
            Blocks.writeQ4_0(scales.d, tile.q, blocks, bytes);
            MemorySegment.copy(bytes, 0, target, ValueLayout.JAVA_BYTE, firstBlock * block.type().blockBytes(), blocks * block.type().blockBytes());
            return;
        }
        for (int b = 0; b < blocks; b++) {
            block.setScale(scales.d[b], 0);
            tile.quantsOf(b, block.quants(), 0);
            block.write(target, firstBlock + b);
        }
    }
}
