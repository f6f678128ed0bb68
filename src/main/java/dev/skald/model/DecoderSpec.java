package dev.skald.model;

import dev.skald.compute.Activation;
import dev.skald.compute.AttentionShape;

/**
 * A decoder-only transformer as data: all that {@link Decoder} needs to know of an architecture. A field appears with the first family that
 * needs it.
 *
 * @param family       its family's name, e.g. "llama"
 * @param layers       number of layers
 * @param hidden       width of the residual stream
 * @param heads        query heads
 * @param kvHeads      key/value heads; divides {@code heads}
 * @param headDim      elements per head; not always hidden / heads
 * @param intermediate width of the feed-forward layer
 * @param vocabulary   rows of embedding and head
 * @param maxPositions context length that the model was made for, in tokens
 * @param normEps      epsilon of the RMS norms
 * @param rope         rotary embedding
 * @param qkvBias      whether the q, k and v projections have biases
 * @param outputBias   whether attention's output projection has one
 * @param mlpBias      whether gate, up and down have biases
 * @param tiedHead     whether the embedding is also the head
 * @param activation   of the gate
 * @param names        what its tensors are called
 */
public record DecoderSpec(
        String family,
        int layers,
        int hidden,
        int heads,
        int kvHeads,
        int headDim,
        int intermediate,
        int vocabulary,
        int maxPositions,
        float normEps,
        Rope rope,
        boolean qkvBias,
        boolean outputBias,
        boolean mlpBias,
        boolean tiedHead,
        Activation activation,
        TensorNames names) {

    /** Keeps products of a hostile configuration inside an int. */
    private static final int MAX_COLS = 1 << 26;

    /** @throws IllegalArgumentException naming the field and its value */
    public DecoderSpec {
        positive("layers", layers);
        positive("hidden", hidden);
        positive("intermediate", intermediate);
        positive("vocabulary", vocabulary);
        positive("maxPositions", maxPositions);
        new AttentionShape(heads, kvHeads, headDim, 1);
        long qkvCols = (heads + 2L * kvHeads) * headDim;
        if (qkvCols > MAX_COLS || 2L * intermediate > MAX_COLS) {
            throw new IllegalArgumentException("a projection to " + Math.max(qkvCols, 2L * intermediate) + " columns exceeds " + MAX_COLS);
        }
        if (rope.scaling() instanceof Rope.Divided(var divisors) && divisors.size() != headDim / 2) {
            throw new IllegalArgumentException(divisors.size() + " rope divisors for heads of " + headDim / 2 + " pairs");
        }
        if (!(normEps >= 0 && normEps < 1)) throw new IllegalArgumentException("norm epsilon " + normEps + " is outside [0, 1)");
    }

    /** The same in a checkpoint that calls its tensors otherwise. */
    public DecoderSpec named(TensorNames other) {
        return new DecoderSpec(
                family, layers, hidden, heads, kvHeads, headDim, intermediate, vocabulary, maxPositions, normEps, rope, qkvBias, outputBias, mlpBias,
                tiedHead, activation, other);
    }

    public AttentionShape attention() {
        return new AttentionShape(heads, kvHeads, headDim, (float) (1 / Math.sqrt(headDim)));
    }

    public int queryCols() {
        return heads * headDim;
    }

    public int kvCols() {
        return kvHeads * headDim;
    }

    /** Number of trained parameters; a tied head counts once. */
    public long parameters() {
        long q = queryCols();
        long kv = kvCols();
        long attention = hidden * (q + 2 * kv) + q * hidden + (qkvBias ? q + 2 * kv : 0) + (outputBias ? hidden : 0);
        long mlp = 3L * hidden * intermediate + (mlpBias ? 2L * intermediate + hidden : 0);
        long table = (long) vocabulary * hidden;
        return layers * (attention + mlp + 2L * hidden) + hidden + (tiedHead ? table : 2 * table);
    }

    private static void positive(String name, int value) {
        if (value < 1) throw new IllegalArgumentException(name + " " + value + " is not positive");
    }
}
