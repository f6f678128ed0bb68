package dev.skald.compute;

/**
 * @param heads   query heads
 * @param kvHeads key/value heads; divides {@code heads}
 * @param headDim elements per head
 * @param scale   factor of q·k, usually 1/√headDim
 */
public record AttentionShape(int heads, int kvHeads, int headDim, float scale) {
    public AttentionShape {
        if (heads < 1 || kvHeads < 1 || heads % kvHeads != 0) {
            throw new IllegalArgumentException(heads + " heads can't share " + kvHeads + " key/value heads");
        }
        if (headDim < 2 || headDim % 2 != 0) throw new IllegalArgumentException("head dimension " + headDim + " is not even");
    }

    /** Columns of a fused projection: queries, then keys, then values. */
    public int qkvCols() {
        return (heads + 2 * kvHeads) * headDim;
    }
}
