package dev.skald.model;

import dev.skald.compute.AttentionShape;
import dev.skald.compute.BatchLimits;
import dev.skald.compute.Device;
import dev.skald.compute.KvGroup;
import dev.skald.compute.Ops;
import dev.skald.compute.RowSet;
import dev.skald.compute.StepOutput;
import dev.skald.compute.WeightRole;
import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import dev.skald.weights.Checkpoint;
import java.util.List;

/**
 * Runs any {@link DecoderSpec}: calls a device's operations in order, one layer after the other, and knows no arithmetic. Prefill, chunked
 * prefill and decode are the same call. Made by the loader; afterwards {@link #step} belongs to the engine thread.
 *
 * <p>A loader calls, in this order: {@link #weightBytes} and {@link #activationBytes} for {@link Device#plan}, {@link #load}, then
 * {@link Device#kvCache} for {@link #kvGroups}, and {@link Device#start}.
 */
public final class Decoder {
    /** Tokens of a block of the KV cache; also the grain of prefix sharing. */
    public static final int BLOCK_TOKENS = 16;

    private final DecoderSpec spec;
    private final DecoderWeights weights;
    private final Ops ops;
    private final AttentionShape attention;

    /** The residual stream, [T, hidden]. */
    private final Buffer x;
    /** Normed input of a projection, [T, hidden]. */
    private final Buffer normed;
    /** What a block adds to the residual stream, [T, hidden]. */
    private final Buffer delta;
    /** [T, (heads + 2·kvHeads)·headDim]. */
    private final Buffer qkv;
    /** [T, heads·headDim]. */
    private final Buffer attended;
    /** [T, 2·intermediate]. */
    private final Buffer gateUp;
    /** [T, intermediate]. */
    private final Buffer activated;
    /** [R, hidden]. */
    private final Buffer rows;
    /** Raw logits, [R, vocabulary]. */
    private final Buffer logits;
    /** Logits after bias, bans and penalties, [R, vocabulary]. */
    private final Buffer adjusted;

    /** Allocates the buffers of a step. */
    public Decoder(DecoderSpec spec, DecoderWeights weights, Device device, BatchLimits limits) {
        this.spec = spec;
        this.weights = weights;
        this.ops = device.ops();
        this.attention = spec.attention();
        int t = limits.maxTokens();
        int r = limits.maxLogitRows();
        x = device.buffer(DType.F32, t, spec.hidden());
        normed = device.buffer(DType.F32, t, spec.hidden());
        delta = device.buffer(DType.F32, t, spec.hidden());
        qkv = device.buffer(DType.F32, t, attention.qkvCols());
        attended = device.buffer(DType.F32, t, spec.queryCols());
        gateUp = device.buffer(DType.F32, t, 2 * spec.intermediate());
        activated = device.buffer(DType.F32, t, spec.intermediate());
        rows = device.buffer(DType.F32, r, spec.hidden());
        logits = device.buffer(DType.F32, r, spec.vocabulary());
        adjusted = device.buffer(DType.F32, r, spec.vocabulary());
    }

    /**
     * Checks the checkpoint against the spec, packs its weights for the device and allocates the buffers of a step.
     *
     * @throws ModelException naming missing, extra or wrongly shaped tensors
     */
    public static Decoder load(DecoderSpec spec, Checkpoint checkpoint, Device device, BatchLimits limits, LoadOptions options) {
        return new Decoder(spec, DecoderWeights.load(spec, checkpoint, device, options), device, limits);
    }

    /** The groups of the KV cache: one, of all layers. @param dtype F16, BF16, F32 or Q8_0 */
    public static List<KvGroup> kvGroups(DecoderSpec spec, DType dtype) {
        return List.of(new KvGroup(spec.layers(), spec.kvHeads(), spec.headDim(), BLOCK_TOKENS, dtype));
    }

    /**
     * Bytes of the weights as dense tensors in their loaded types.
     *
     * @throws ModelException naming missing, extra or wrongly shaped tensors
     */
    public static long weightBytes(DecoderSpec spec, Checkpoint checkpoint, LoadOptions options) {
        return DecoderWeights.bytes(
                spec, checkpoint, (role, dtype, rows, cols) -> (role == WeightRole.ROPE_TABLE ? DType.F32 : dtype).bytes((long) rows * cols), options);
    }

    /** The same as the device will hold them. */
    public static long weightBytes(DecoderSpec spec, Checkpoint checkpoint, Device device, LoadOptions options) {
        return DecoderWeights.bytes(spec, checkpoint, device::packedBytes, options);
    }

    /** Bytes of weights that a decode step reads, as files hold their loaded types: all but the embedding table, unless it is the head too. */
    public static long readBytes(DecoderSpec spec, Checkpoint checkpoint, LoadOptions options) {
        return DecoderWeights.readBytes(spec, checkpoint, options);
    }

    /** Bytes of the buffers that a decoder allocates for these limits. */
    public static long activationBytes(DecoderSpec spec, BatchLimits limits) {
        long perToken = 3L * spec.hidden() + spec.attention().qkvCols() + spec.queryCols() + 3L * spec.intermediate();
        long perRow = spec.hidden() + 2L * spec.vocabulary();
        return DType.F32.bytes(limits.maxTokens() * perToken + limits.maxLogitRows() * perRow);
    }

    public DecoderSpec spec() {
        return spec;
    }

    public DecoderWeights weights() {
        return weights;
    }

    /** Raw logits of the last step, [R, vocabulary] f32, on the device; for tests and tools that know the device. */
    public Buffer logits() {
        return logits;
    }

    /** Enqueues all operations of one step on the batch that was uploaded last. @param output receives what the step brings back */
    public void step(StepOutput output) {
        ops.copyBlocks();
        ops.embed(weights.embedding(), x);
        for (int layer = 0; layer < spec.layers(); layer++) layer(layer);
        ops.addNorm(x, delta, weights.finalNorm(), spec.normEps(), normed);
        ops.gatherRows(normed, rows);
        weights.head().apply(ops, RowSet.LOGIT_ROWS, rows, logits);
        ops.adjustLogits(logits, adjusted);
        ops.sample(adjusted, output);
        ops.topLogprobs(logits, output);
    }

    private void layer(int index) {
        DecoderWeights.Layer w = weights.layers().get(index);
        if (index == 0) {
            ops.norm(x, w.inputNorm(), spec.normEps(), normed);
        } else {
            ops.addNorm(x, delta, w.inputNorm(), spec.normEps(), normed);
        }
        w.qkv().apply(ops, RowSet.TOKENS, normed, qkv);
        ops.ropeStore(attention, qkv, weights.ropeTable(), index);
        ops.attention(attention, qkv, index, attended);
        w.output().apply(ops, RowSet.TOKENS, attended, delta);
        ops.addNorm(x, delta, w.postAttentionNorm(), spec.normEps(), normed);
        w.gateUp().apply(ops, RowSet.TOKENS, normed, gateUp);
        ops.activate(spec.activation(), gateUp, activated);
        w.down().apply(ops, RowSet.TOKENS, activated, delta);
    }
}
