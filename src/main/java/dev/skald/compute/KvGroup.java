package dev.skald.compute;

import dev.skald.tensor.DType;

/**
 * Layers that share one block table.
 *
 * @param layers      number of layers
 * @param kvHeads     key/value heads per layer
 * @param headDim     elements per head
 * @param blockTokens tokens per block
 * @param dtype       element type of the cache: F16, BF16 or F32
 */
public record KvGroup(int layers, int kvHeads, int headDim, int blockTokens, DType dtype) {
    public KvGroup {
        if (layers < 1 || kvHeads < 1 || headDim < 1 || blockTokens < 1) {
            throw new IllegalArgumentException("not positive: " + layers + " layers, " + kvHeads + " heads, " + headDim + " wide, " + blockTokens);
        }
    }

    /** Bytes of one token's keys and values over all layers of the group. */
    public long bytesPerToken() {
        return 2L * layers * kvHeads * headDim * dtype.bytes();
    }

    public long bytesPerBlock() {
        return bytesPerToken() * blockTokens;
    }
}
