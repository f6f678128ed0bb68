package dev.skald.compute.cuda;

import dev.skald.compute.Activation;
import dev.skald.compute.AttentionShape;
import dev.skald.compute.Batch;
import dev.skald.compute.BatchLimits;
import dev.skald.compute.Epilogue;
import dev.skald.compute.Ops;
import dev.skald.compute.RowSet;
import dev.skald.compute.StepOutput;
import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import dev.skald.tensor.Buffer;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import jcuda.driver.CUfunction;
import jcuda.driver.CUstream;

/**
 * Checks an operation's arguments, writes its kernel's structure and enqueues it. The structures stand in native/cuda, each above its kernel.
 * Belongs to the thread that runs the step.
 */
final class CudaOps implements Ops, AutoCloseable {
    private final Kernels kernels;
    private final CUstream stream;
    private final CudaLinear linear;
    private final CudaAttention attention;
    private final CUfunction embed;
    private final CUfunction gather;
    private final CUfunction norm;
    private final CUfunction silu;
    private final CUfunction rope;
    private final CUfunction copy;
    private final CUfunction adjust;
    private final CUfunction sample;
    private final CUfunction logprobs;

    private Optional<Started> started = Optional.empty();
    private Optional<Batch> batch = Optional.empty();
    /** Greatest position of the batch at hand. */
    private int lastPosition;

    private record Started(CudaSlots slots, CudaKvCache cache) {}

    CudaOps(Kernels kernels, Optional<Cublas> cublas, CudaContext context) {
        this.kernels = kernels;
        stream = context.stream();
        linear = new CudaLinear(kernels, cublas, stream);
        attention = new CudaAttention(kernels, stream, context.multiprocessors());
        embed = kernels.function("skald_embed");
        gather = kernels.function("skald_gather_rows");
        norm = kernels.function("skald_rms_norm");
        silu = kernels.function("skald_silu");
        rope = kernels.function("skald_rope_store");
        copy = kernels.function("skald_copy_blocks");
        adjust = kernels.function("skald_adjust_logits");
        sample = kernels.function("skald_sample");
        logprobs = kernels.function("skald_top_logprobs");
    }

    /** Tells of a projection's weight while loading. */
    void expect(CudaLinearWeight weight) {
        linear.expect(weight);
    }

    void start(CudaMemory memory, CudaSlots slots, CudaKvCache cache, BatchLimits limits, long freeBytes) {
        linear.start(memory, limits);
        attention.start(memory, cache, freeBytes);
        started = Optional.of(new Started(slots, cache));
    }

    void upload(Batch next, Address host) {
        slots().upload(next, host);
        batch = Optional.of(next);
        lastPosition = -1;
        for (int t = 0; t < next.tokens(); t++) lastPosition = Math.max(lastPosition, next.position(t));
    }

    CudaSlots slots() {
        return started.orElseThrow(() -> new IllegalStateException("the device was not started")).slots;
    }

    private CudaKvCache cache() {
        return started.orElseThrow(() -> new IllegalStateException("the device was not started")).cache;
    }

    private Batch batch() {
        if (batch.isEmpty()) throw new IllegalStateException("no batch was uploaded");
        return batch.get();
    }

    private MemorySegment step() {
        return slots().step();
    }

    @Override
    public void copyBlocks() {
        CudaKvCache cache = cache();
        if (batch().blockCopies() == 0) return;
        kernels.arguments().begin(step()).put(cache.address()).put(cache.partBytes()).put(cache.blockBytes());
        kernels.launch(copy, batch().blockCopies(), 2 * cache.group().layers(), 1, 0, stream);
    }

    @Override
    public void embed(Weight table, Buffer x) {
        CudaWeight from = CudaWeight.of(table, WeightRole.EMBEDDING);
        CudaBuffer to = CudaBuffer.of(x, from.cols(), batch().tokens());
        for (int t = 0; t < batch().tokens(); t++) {
            int id = batch().tokenId(t);
            if (id >= from.rows()) throw new IllegalArgumentException("token id " + id + " is outside the vocabulary of " + from.rows());
        }
        kernels.arguments().begin(step()).put(from.address()).put(to.address());
        int rowBytes = Math.toIntExact(from.stored().bytes(from.cols()));
        kernels.arguments().put(CudaWeight.tableTypeNumber(from.stored())).put(from.cols()).put(to.stride()).put(rowBytes);
        kernels.launch(embed, batch().tokens(), 1, 1, 0, stream);
    }

    @Override
    public void gatherRows(Buffer in, Buffer out) {
        CudaBuffer from = CudaBuffer.of(in, out.cols(), batch().tokens());
        CudaBuffer to = CudaBuffer.of(out, in.cols(), batch().rows());
        kernels.arguments().begin(step()).put(from.address()).put(to.address());
        kernels.arguments().put(from.cols()).put(from.stride()).put(to.stride()).put(0);
        kernels.launch(gather, batch().rows(), 1, 1, 0, stream);
    }

    @Override
    public void norm(Buffer x, Weight weight, float eps, Buffer out) {
        norm(x, Optional.empty(), weight, eps, out);
    }

    @Override
    public void addNorm(Buffer x, Buffer delta, Weight weight, float eps, Buffer out) {
        norm(x, Optional.of(CudaBuffer.of(delta, x.cols(), batch().tokens())), weight, eps, out);
    }

    private void norm(Buffer x, Optional<CudaBuffer> delta, Weight weight, float eps, Buffer out) {
        CudaWeight w = CudaWeight.of(weight, WeightRole.VECTOR);
        CudaBuffer from = CudaBuffer.of(x, w.cols(), batch().tokens());
        CudaBuffer to = CudaBuffer.of(out, w.cols(), batch().tokens());
        Arguments arguments = kernels.arguments().begin(step()).put(from.address());
        arguments.put(delta.isPresent() ? delta.get().address() : 0L).put(w.address()).put(to.address()).put(w.cols()).put(from.stride());
        arguments.put(delta.isPresent() ? delta.get().stride() : 0).put(to.stride()).put(eps).put(0);
        kernels.launch(norm, batch().tokens(), 1, 1, 0, stream);
    }

    @Override
    public void linear(RowSet rows, Weight weight, Buffer in, Epilogue epilogue, Buffer out) {
        CudaLinearWeight w = CudaLinearWeight.of(weight);
        int used = batch().rows(rows);
        CudaBuffer from = CudaBuffer.of(in, w.cols(), used);
        CudaBuffer to = CudaBuffer.of(out, w.rows(), used);
        linear.run(step(), rows, used, w, from, bias(epilogue, w.rows()), to);
    }

    /** Address of the bias, or 0. */
    private static long bias(Epilogue epilogue, int outputs) {
        return switch (epilogue) {
            case Epilogue.None() -> 0;
            case Epilogue.Bias(Weight bias) -> {
                CudaWeight b = CudaWeight.of(bias, WeightRole.VECTOR);
                same("columns of bias and rows of weight", b.cols(), outputs);
                yield b.address();
            }
        };
    }

    @Override
    public void ropeStore(AttentionShape shape, Buffer qkv, Weight ropeTable, int layer) {
        CudaKvCache cache = cache();
        CudaBuffer x = CudaBuffer.of(qkv, shape.qkvCols(), batch().tokens());
        CudaWeight table = CudaWeight.of(ropeTable, WeightRole.ROPE_TABLE);
        fits(shape, cache);
        same("columns of the rope table", table.cols(), shape.headDim());
        if (lastPosition >= table.rows()) {
            throw new IllegalArgumentException("position " + lastPosition + " is outside the rope table of " + table.rows());
        }
        Arguments arguments = kernels.arguments().begin(step()).put(x.address()).put(table.address()).put(cache.keys(layer)).put(cache.values(layer));
        arguments.put(CudaWeight.typeNumber(cache.group().dtype())).put(x.stride()).put(table.cols());
        arguments.put(shape.heads()).put(shape.kvHeads()).put(shape.headDim()).put(cache.group().blockTokens()).put(0);
        kernels.launch(rope, batch().tokens(), 1, 1, 0, stream);
    }

    @Override
    public void attention(AttentionShape shape, Buffer qkv, int layer, Buffer out) {
        fits(shape, cache());
        CudaBuffer q = CudaBuffer.of(qkv, shape.qkvCols(), batch().tokens());
        CudaBuffer to = CudaBuffer.of(out, shape.heads() * shape.headDim(), batch().tokens());
        attention.run(step(), batch(), shape, q, cache(), layer, to);
    }

    private static void fits(AttentionShape shape, CudaKvCache cache) {
        same("key/value heads of shape and cache", shape.kvHeads(), cache.group().kvHeads());
        same("head dimensions of shape and cache", shape.headDim(), cache.group().headDim());
    }

    @Override
    public void activate(Activation activation, Buffer gateUp, Buffer out) {
        CudaBuffer from = CudaBuffer.of(gateUp, 2 * out.cols(), batch().tokens());
        CudaBuffer to = CudaBuffer.of(out, out.cols(), batch().tokens());
        kernels.arguments().begin(step()).put(from.address()).put(to.address());
        kernels.arguments().put(to.cols()).put(from.stride()).put(to.stride()).put(0);
        CUfunction function = switch (activation) {
            case SILU -> silu;
        };
        kernels.launch(function, batch().tokens(), Math.ceilDiv(to.cols(), Kernels.BLOCK), 1, 0, stream);
    }

    @Override
    public void adjustLogits(Buffer logits, Buffer adjusted) {
        CudaBuffer from = logits(logits);
        CudaBuffer to = logits(adjusted);
        kernels.arguments().begin(step()).put(from.address()).put(to.address()).put(from.stride()).put(to.stride());
        kernels.launch(adjust, batch().rows(), 1, 1, 0, stream);
    }

    @Override
    public void sample(Buffer adjusted, StepOutput output) {
        CudaStepOutput to = CudaStepOutput.of(output);
        to.touch();
        enqueue(sample, logits(adjusted), to);
    }

    /** And, since nothing of a step comes after it, the copy to the host. */
    @Override
    public void topLogprobs(Buffer logits, StepOutput output) {
        CudaStepOutput to = CudaStepOutput.of(output);
        to.touch();
        if (CudaStepOutput.mostWanted(batch()) >= 0) enqueue(logprobs, logits(logits), to);
        copyResults(to);
    }

    /** Enqueues the copy of what was written and not copied yet. */
    void copyResults(CudaStepOutput output) {
        if (batch.isPresent()) output.copy(batch.get(), stream);
    }

    private void enqueue(CUfunction function, CudaBuffer logits, CudaStepOutput output) {
        kernels.arguments().begin(step()).put(logits.address());
        output.put(kernels.arguments());
        kernels.arguments().put(logits.stride()).put(0);
        kernels.launch(function, batch().rows(), 1, 1, 0, stream);
    }

    private CudaBuffer logits(Buffer buffer) {
        return CudaBuffer.of(buffer, slots().vocabulary(), batch().rows());
    }

    static void same(String what, int a, int b) {
        if (a != b) throw new IllegalArgumentException(what + " differ: " + a + " and " + b);
    }

    @Override
    public void close() {
        linear.close();
    }
}
