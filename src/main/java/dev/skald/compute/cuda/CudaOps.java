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
import java.util.function.Consumer;
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
    /** Greatest position and token id of the batch at hand. */
    private int lastPosition;
    private int lastId;
    /** Tokens and rows of logits of the batch at hand; while a step is recorded, those that it can have. */
    private int usedTokens;
    private int usedRows;
    /** For how many grids are made. */
    private int tokens;
    private int rows;
    private Optional<Recorded> recorded = Optional.empty();
    /** What was written last, if it may not have been copied yet. */
    private Optional<CudaStepOutput> written = Optional.empty();

    /** @param longest tokens of the longest context that a block table can hold */
    private record Started(CudaSlots slots, CudaKvCache cache, Buckets tokens, Buckets rows, int longest) {}

    /** Steps that can be played back, and what the host needs to know of them. */
    private static final class Recorded {
        private final CudaGraphs graphs;
        private final Consumer<StepOutput> model;
        private final CudaStepOutput output;
        private Optional<CudaBuffer> logits = Optional.empty();
        private int vocabulary = Integer.MAX_VALUE;
        private int positions = Integer.MAX_VALUE;

        Recorded(CudaGraphs graphs, Consumer<StepOutput> model, CudaStepOutput output) {
            this.graphs = graphs;
            this.model = model;
            this.output = output;
        }
    }

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
        attention.start(memory, cache, limits, freeBytes);
        int longest = Math.multiplyExact(limits.maxBlocks(), cache.group().blockTokens());
        started = Optional.of(new Started(slots, cache, Buckets.upTo(limits.maxTokens()), Buckets.upTo(limits.maxLogitRows()), longest));
    }

    /** Records the model's step for all sizes. */
    void record(Consumer<StepOutput> model, CudaStepOutput output) {
        Started s = started();
        CudaGraphs graphs = new CudaGraphs(stream, s.tokens, s.rows);
        recorded = Optional.of(new Recorded(graphs, model, output));
        for (int i = 0; i < graphs.recordings(); i++) {
            tokens = usedTokens = graphs.tokensOf(i);
            rows = usedRows = graphs.rowsOf(i);
            attention.begin();
            graphs.record(() -> model.accept(output));
        }
        batch = Optional.empty();
    }

    private boolean recording() {
        return recorded.isPresent() && recorded.get().graphs.recording();
    }

    /** Enqueues a step on the batch at hand. What few steps need is launched by itself: copies of blocks, and log-probabilities. */
    void step(Consumer<StepOutput> model, CudaStepOutput output) {
        Batch at = batch();
        boolean known = recorded.isPresent() && recorded.get().model == model && recorded.get().output.sharesMemory(output)
                && recorded.get().graphs.holds(at.tokens(), at.rows());
        if (!known || at.tokens() == 0) {
            model.accept(output);
            return;
        }
        Recorded r = recorded.get();
        checkIds(r.vocabulary);
        checkPositions(r.positions);
        copyBlocks();
        touch(output);
        r.graphs.play(at.tokens(), at.rows());
        topLogprobs(r.logits.orElseThrow(), output);
    }

    void upload(Batch next, Address host) {
        slots().upload(next, host);
        batch = Optional.of(next);
        usedTokens = next.tokens();
        usedRows = next.rows();
        tokens = started().tokens.capacity(usedTokens);
        rows = started().rows.capacity(usedRows);
        attention.begin();
        lastPosition = -1;
        lastId = -1;
        for (int t = 0; t < usedTokens; t++) {
            lastPosition = Math.max(lastPosition, next.position(t));
            lastId = Math.max(lastId, next.tokenId(t));
        }
    }

    CudaAttention attention() {
        return attention;
    }

    private Started started() {
        return started.orElseThrow(() -> new IllegalStateException("the device was not started"));
    }

    CudaSlots slots() {
        return started().slots;
    }

    private CudaKvCache cache() {
        return started().cache;
    }

    /** Makes sure that there is a batch, and returns how many of its tokens a buffer must have room for. */
    private int usedTokens() {
        if (!recording()) batch();
        return usedTokens;
    }

    private int usedRows() {
        if (!recording()) batch();
        return usedRows;
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
        if (recording() || batch().blockCopies() == 0) return;
        kernels.arguments().begin(step()).put(cache.address()).put(cache.partBytes()).put(cache.blockBytes());
        kernels.launch(copy, batch().blockCopies(), 2 * cache.group().layers(), 1, 0, stream);
    }

    @Override
    public void embed(Weight table, Buffer x) {
        CudaWeight from = CudaWeight.of(table, WeightRole.EMBEDDING);
        CudaBuffer to = CudaBuffer.of(x, from.cols(), usedTokens());
        if (recording()) recorded.orElseThrow().vocabulary = from.rows();
        else checkIds(from.rows());
        kernels.arguments().begin(step()).put(from.address()).put(to.address());
        int rowBytes = Math.toIntExact(from.stored().bytes(from.cols()));
        kernels.arguments().put(CudaWeight.tableTypeNumber(from.stored())).put(from.cols()).put(to.stride()).put(rowBytes);
        kernels.launch(embed, tokens, 1, 1, 0, stream);
    }

    private void checkIds(int vocabulary) {
        if (lastId >= vocabulary) throw new IllegalArgumentException("token id " + lastId + " is outside the vocabulary of " + vocabulary);
    }

    private void checkPositions(int positions) {
        if (lastPosition >= positions) throw new IllegalArgumentException("position " + lastPosition + " is outside the rope table of " + positions);
    }

    @Override
    public void gatherRows(Buffer in, Buffer out) {
        CudaBuffer from = CudaBuffer.of(in, out.cols(), usedTokens());
        CudaBuffer to = CudaBuffer.of(out, in.cols(), usedRows());
        if (recording()) recorded.orElseThrow().graphs.beginRows();
        kernels.arguments().begin(step()).put(from.address()).put(to.address());
        kernels.arguments().put(from.cols()).put(from.stride()).put(to.stride()).put(0);
        kernels.launch(gather, rows, 1, 1, 0, stream);
    }

    @Override
    public void norm(Buffer x, Weight weight, float eps, Buffer out) {
        norm(x, Optional.empty(), weight, eps, out);
    }

    @Override
    public void addNorm(Buffer x, Buffer delta, Weight weight, float eps, Buffer out) {
        norm(x, Optional.of(CudaBuffer.of(delta, x.cols(), usedTokens())), weight, eps, out);
    }

    private void norm(Buffer x, Optional<CudaBuffer> delta, Weight weight, float eps, Buffer out) {
        CudaWeight w = CudaWeight.of(weight, WeightRole.VECTOR);
        CudaBuffer from = CudaBuffer.of(x, w.cols(), usedTokens());
        CudaBuffer to = CudaBuffer.of(out, w.cols(), usedTokens());
        Arguments arguments = kernels.arguments().begin(step()).put(from.address());
        arguments.put(delta.isPresent() ? delta.get().address() : 0L).put(w.address()).put(to.address()).put(w.cols()).put(from.stride());
        arguments.put(delta.isPresent() ? delta.get().stride() : 0).put(to.stride()).put(eps).put(0);
        kernels.launch(norm, tokens, 1, 1, 0, stream);
    }

    @Override
    public void linear(RowSet set, Weight weight, Buffer in, Epilogue epilogue, Buffer out) {
        CudaLinearWeight w = CudaLinearWeight.of(weight);
        int used = set == RowSet.TOKENS ? usedTokens() : usedRows();
        CudaBuffer from = CudaBuffer.of(in, w.cols(), used);
        CudaBuffer to = CudaBuffer.of(out, w.rows(), used);
        if (used == 0) return;
        int padded = Math.min(set == RowSet.TOKENS ? tokens : rows, Math.min(from.rows(), to.rows()));
        linear.run(step(), set, padded, w, from, bias(epilogue, w.rows()), to);
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
        CudaBuffer x = CudaBuffer.of(qkv, shape.qkvCols(), usedTokens());
        CudaWeight table = CudaWeight.of(ropeTable, WeightRole.ROPE_TABLE);
        fits(shape, cache);
        same("columns of the rope table", table.cols(), shape.headDim());
        if (recording()) recorded.orElseThrow().positions = table.rows();
        else checkPositions(table.rows());
        Arguments arguments = kernels.arguments().begin(step()).put(x.address()).put(table.address()).put(cache.keys(layer)).put(cache.values(layer));
        arguments.put(CudaWeight.typeNumber(cache.group().dtype())).put(x.stride()).put(table.cols());
        arguments.put(shape.heads()).put(shape.kvHeads()).put(shape.headDim()).put(cache.group().blockTokens()).put(0);
        kernels.launch(rope, tokens, 1, 1, 0, stream);
    }

    @Override
    public void attention(AttentionShape shape, Buffer qkv, int layer, Buffer out) {
        fits(shape, cache());
        CudaBuffer q = CudaBuffer.of(qkv, shape.qkvCols(), usedTokens());
        CudaBuffer to = CudaBuffer.of(out, shape.heads() * shape.headDim(), usedTokens());
        int context = recording() ? started().longest : lastPosition + 1;
        attention.run(step(), tokens, context, shape, q, cache(), layer, to);
    }

    private static void fits(AttentionShape shape, CudaKvCache cache) {
        same("key/value heads of shape and cache", shape.kvHeads(), cache.group().kvHeads());
        same("head dimensions of shape and cache", shape.headDim(), cache.group().headDim());
    }

    @Override
    public void activate(Activation activation, Buffer gateUp, Buffer out) {
        CudaBuffer from = CudaBuffer.of(gateUp, 2 * out.cols(), usedTokens());
        CudaBuffer to = CudaBuffer.of(out, out.cols(), usedTokens());
        kernels.arguments().begin(step()).put(from.address()).put(to.address());
        kernels.arguments().put(to.cols()).put(from.stride()).put(to.stride()).put(0);
        CUfunction function = switch (activation) {
            case SILU -> silu;
        };
        kernels.launch(function, tokens, Math.ceilDiv(to.cols(), Kernels.BLOCK), 1, 0, stream);
    }

    @Override
    public void adjustLogits(Buffer logits, Buffer adjusted) {
        CudaBuffer from = logits(logits);
        CudaBuffer to = logits(adjusted);
        kernels.arguments().begin(step()).put(from.address()).put(to.address()).put(from.stride()).put(to.stride());
        kernels.launch(adjust, rows, 1, 1, 0, stream);
    }

    @Override
    public void sample(Buffer adjusted, StepOutput output) {
        CudaStepOutput to = CudaStepOutput.of(output);
        if (!recording()) touch(to);
        enqueue(sample, logits(adjusted), to);
    }

    /** And, since nothing of a step comes after it, the copy to the host. */
    @Override
    public void topLogprobs(Buffer logits, StepOutput output) {
        CudaStepOutput to = CudaStepOutput.of(output);
        if (recording()) {
            recorded.orElseThrow().logits = Optional.of(logits(logits));
            return;
        }
        touch(to);
        if (CudaStepOutput.mostWanted(batch()) >= 0) enqueue(logprobs, logits(logits), to);
        copyResults(to);
    }

    /** A kernel is going to write this output: what an earlier step left in the same memory goes to the host before. */
    private void touch(CudaStepOutput output) {
        if (written.isPresent() && written.get() != output && written.get().dirty() && written.get().sharesMemory(output)) written.get().copyAll(stream);
        if (written.isEmpty() || written.get() != output) written = Optional.of(output);
        output.touch();
    }

    /** Enqueues the copy of what was written and not copied yet. */
    void copyResults(CudaStepOutput output) {
        if (batch.isPresent()) output.copy(batch.get(), stream);
    }

    private void enqueue(CUfunction function, CudaBuffer logits, CudaStepOutput output) {
        kernels.arguments().begin(step()).put(logits.address());
        output.put(kernels.arguments());
        kernels.arguments().put(logits.stride()).put(0);
        kernels.launch(function, rows, 1, 1, 0, stream);
    }

    private CudaBuffer logits(Buffer buffer) {
        return CudaBuffer.of(buffer, slots().vocabulary(), usedRows());
    }

    static void same(String what, int a, int b) {
        if (a != b) throw new IllegalArgumentException(what + " differ: " + a + " and " + b);
    }

    @Override
    public void close() {
        recorded.ifPresent(r -> r.graphs.close());
        linear.close();
    }
}
