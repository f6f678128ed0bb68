package dev.skald.compute;

import dev.skald.tensor.Buffer;

/**
 * The operations of a decoder, on the batch that was uploaded last. Each enqueues; no value is read on the host in between. Activations are
 * f32 unless said otherwise. T = tokens in the step, R = rows of logits; both are read from the batch. Every operation treats a row alone: its
 * result is bitwise the same whatever other rows are in the step, in whatever chunk it comes, on however many threads.
 */
public interface Ops {
    /** Copies the forked partial blocks that the batch lists, in all layers, before anything is stored. */
    void copyBlocks();

    /** @param table [vocabulary, hidden], @param x out [T, hidden]: the row of each token; −1 is the slot's last token, any after an invalid row */
    void embed(Weight table, Buffer x);

    /** out = x / √(mean(x²) + eps) · weight. Shapes [T, n], weight [1, n]. */
    void norm(Buffer x, Weight weight, float eps, Buffer out);

    /** x += delta; then as {@link #norm}. One pass over the row. */
    void addNorm(Buffer x, Buffer delta, Weight weight, float eps, Buffer out);

    /** out [rows, out] = in [rows, in] · weightᵀ, then the epilogue. */
    void linear(RowSet rows, Weight weight, Buffer in, Epilogue epilogue, Buffer out);

    /**
     * Rotates queries in place and keys on their way into the cache, half-split pairs (i, i + headDim/2), and stores keys and values at each
     * token's absolute position through its slot's block table.
     *
     * @param qkv   [T, (heads + 2·kvHeads)·headDim]: q, k, v
     * @param layer index of the layer in the cache's group 0
     */
    void ropeStore(AttentionShape shape, Buffer qkv, Weight ropeTable, int layer);

    /**
     * Causal attention, reading keys and values from the cache only, in the cache's dtype, over splits of a fixed size at absolute positions
     * that are combined in ascending order.
     *
     * @param qkv queries in its first heads·headDim columns, @param out [T, heads·headDim]
     */
    void attention(AttentionShape shape, Buffer qkv, int layer, Buffer out);

    /** out [T, n] = activation(gate) · up, where gateUp is [T, 2n]: gate, then up. */
    void activate(Activation activation, Buffer gateUp, Buffer out);

    /** out [R, n]: the rows of in [T, n] whose logits are wanted. */
    void gatherRows(Buffer in, Buffer out);

    /** Bias, allowed, banned, minimum tokens and penalties of each sampling row's slot. Shapes [R, vocabulary]; adjusted is another buffer. */
    void adjustLogits(Buffer logits, Buffer adjusted);

    /** Draws each sampling row's token by its slot's parameters and makes it the slot's last token. */
    void sample(Buffer adjusted, StepOutput output);

    /** Log-probabilities, ranks and most likely tokens from the raw logits, for rows that asked. */
    void topLogprobs(Buffer logits, StepOutput output);
}
