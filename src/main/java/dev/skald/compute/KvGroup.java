package dev.skald.compute;

import dev.skald.tensor.DType;

/**
 * Layers that share one block table.
 *
 * @param layers      number of layers
 * @param kvHeads     key/value heads per layer
 * @param headDim     elements per head
 * @param blockTokens tokens per block
 * @param dtype       element type of the cache: F16, BF16, F32, or Q8_0: each head's elements in blocks of 32, of which the last may be shorter, with
 *                    a byte for each element and an f16 scale for each block
 */
public record KvGroup(int layers, int kvHeads, int headDim, int blockTokens, DType dtype) {
    public KvGroup {
        if (layers < 1 || kvHeads < 1 || headDim < 1 || blockTokens < 1) {
            throw new IllegalArgumentException("not positive: " + layers + " layers, " + kvHeads + " heads, " + headDim + " wide, " + blockTokens);
        }
        switch (dtype) {
            case F32, F16, BF16, Q8_0 -> {}
            default -> throw new IllegalArgumentException("keys and values can't be " + dtype);
        }
    }

    /** Blocks that share a scale in one token's keys (or values) of one head; 0 unless the cache is quantised. */
    public int scalesPerHead() {
        return dtype.quantised() ? Math.ceilDiv(headDim, dtype.blockElements()) : 0;
    }

    /** Bytes of one token's keys (or values) of one head. */
    public long headBytes() {
        return dtype.quantised() ? headDim + (long) Short.BYTES * scalesPerHead() : dtype.bytes(headDim);
    }

    /** Bytes of one token's keys and values over all layers of the group. */
    public long bytesPerToken() {
        return 2L * layers * kvHeads * headBytes();
    }

    public long bytesPerBlock() {
        return bytesPerToken() * blockTokens;
    }
}
