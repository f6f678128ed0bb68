package dev.skald.compute.cpu;

import dev.skald.compute.Activation;
import dev.skald.compute.AttentionShape;
import dev.skald.compute.Batch;
import dev.skald.compute.Epilogue;
import dev.skald.compute.HostStepOutput;
import dev.skald.compute.Ops;
import dev.skald.compute.RowSet;
import dev.skald.compute.StepOutput;
import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Checks an operation's arguments, fills its argument block and runs it in chunks on the pool; when a call returns, its work is done. The
 * arithmetic is in {@link Kernels}. Belongs to the engine thread; allocates nothing in a step.
 */
final class CpuOps implements Ops {
    /** A row operation's cost per element and thread; only for cutting. */
    private static final double ELEMENT_NANOS = 0.3;
    private static final double QUANTISED_ELEMENT_NANOS = 2;
    private static final double COPY_BYTES_PER_NANO = 8;

    private final KernelArguments.Lookup lookup = new KernelArguments.Lookup();
    private final KernelArguments.Norm norm = new KernelArguments.Norm();
    private final KernelArguments.Linear linear = new KernelArguments.Linear();
    private final KernelArguments.Rope rope = new KernelArguments.Rope();
    private final KernelArguments.Gate gate = new KernelArguments.Gate();

    private final Kernels kernels;
    private final Map<DType, QuantisedLookup> quantisedLookups = new EnumMap<>(DType.class);

    private final WorkerPool pool;
    private final Ranges ranges;
    private final LinearGrid grid;
    private final Ranges.Work copyBlocks = this::copyBlocks;
    private final Ranges.Work lookupRows;
    private final Ranges.Work normRows;
    private final Ranges.Work ropeTokens;
    private final Ranges.Work gateRows;
    private final WorkerPool.Task attendItem;
    private final WorkerPool.Task combineUnit;

    private Optional<Started> started = Optional.empty();
    /** Whether the plan is of the batch at hand. */
    private boolean planned;

    /**
     * What there is from the start on.
     *
     * @param ids token or row numbers of a step, at least as many as tokens or rows of logits
     */
    record Started(Step step, KernelArguments.Attend attend, SamplingRows sampling, NativeInts ids) {}

    CpuOps(Kernels kernels, WorkerPool pool) {
        this.kernels = kernels;
        this.pool = pool;
        ranges = new Ranges(pool);
        grid = new LinearGrid(kernels, pool, ranges, linear);
        lookupRows = (first, end, worker) -> kernels.lookup(lookup, first, end);
        normRows = (first, end, worker) -> kernels.norm(norm, first, end);
        ropeTokens = (first, end, worker) -> kernels.ropeStore(rope, first, end, worker);
        gateRows = (first, end, worker) -> kernels.gate(gate, first, end);
        attendItem = (item, worker) -> kernels.attend(started().attend, item, worker);
        combineUnit = (unit, worker) -> kernels.combine(started().attend, unit, worker);
    }

    /** For whoever makes {@link Started}. */
    Ranges ranges() {
        return ranges;
    }

    void start(Started resident) {
        started = Optional.of(resident);
        lookup.rows = resident.ids;
    }

    boolean isStarted() {
        return started.isPresent();
    }

    Step step() {
        return started().step;
    }

    AttentionPlan attentionPlan() {
        return started().attend.plan;
    }

    void upload(Batch batch) {
        step().upload(batch);
        planned = false;
    }

    private Started started() {
        return started.orElseThrow(() -> new IllegalStateException("the device was not started"));
    }

    @Override
    public void copyBlocks() {
        CpuKvCache cache = step().cache;
        int copies = step().batch().blockCopies() * cache.group().layers();
        ranges.run(copyBlocks, copies, 2 * cache.blockBytes() / COPY_BYTES_PER_NANO);
    }

    /** @param first of copies × layers; different copies have different targets, and no target is a source */
    private void copyBlocks(int first, int end, int worker) {
        CpuKvCache cache = step().cache;
        int layers = cache.group().layers();
        for (int i = first; i < end; i++) {
            int copy = i / layers;
            long from = cache.blockBytes() * step().batch().copySource(copy);
            long to = cache.blockBytes() * step().batch().copyTarget(copy);
            long keys = cache.keys(i % layers);
            long values = cache.values(i % layers);
            RawMemory.copy(keys + from, keys + to, cache.blockBytes());
            RawMemory.copy(values + from, values + to, cache.blockBytes());
        }
    }

    @Override
    public void embed(Weight table, Buffer x) {
        CpuWeight from = CpuWeight.of(table, WeightRole.EMBEDDING);
        Batch batch = step().batch();
        CpuBuffer to = buffer(x, from.cols(), batch.tokens());
        for (int t = 0; t < batch.tokens(); t++) {
            int id = step().slots.tokenId(batch, t);
            if (id >= from.rows()) throw new IllegalArgumentException("token id " + id + " is outside the vocabulary of " + from.rows());
            started().ids.set(t, id);
        }
        if (from.dtype().quantised()) {
            QuantisedLookup rows = quantisedLookups.get(from.dtype()).of(from.memory(), from.cols(), lookup.rows, to.address());
            ranges.run(rows, batch.tokens(), QUANTISED_ELEMENT_NANOS * from.cols());
            return;
        }
        lookup.type = from.dtype();
        lookup.table = from.address();
        lookup(to, batch.tokens());
    }

    /** For the loader: tables of this type will be looked up. */
    void reserveLookup(DType type) {
        quantisedLookups.computeIfAbsent(type, t -> new QuantisedLookup(t, pool.threads()));
    }

    @Override
    public void gatherRows(Buffer in, Buffer out) {
        Batch batch = step().batch();
        CpuBuffer from = buffer(in, out.cols(), batch.tokens());
        for (int r = 0; r < batch.rows(); r++) started().ids.set(r, batch.rowToken(r));
        lookup.type = from.dtype();
        lookup.table = from.address();
        lookup(buffer(out, from.cols(), batch.rows()), batch.rows());
    }

    private void lookup(CpuBuffer to, int rows) {
        lookup.n = to.cols();
        lookup.output = to.address();
        kernels.begin(lookup);
        ranges.run(lookupRows, rows, ELEMENT_NANOS * lookup.n);
    }

    @Override
    public void norm(Buffer x, Weight weight, float eps, Buffer out) {
        norm.delta = 0;
        runNorm(x, weight, eps, out);
    }

    @Override
    public void addNorm(Buffer x, Buffer delta, Weight weight, float eps, Buffer out) {
        norm.delta = buffer(delta, x.cols(), step().batch().tokens()).address();
        runNorm(x, weight, eps, out);
    }

    private void runNorm(Buffer x, Weight weight, float eps, Buffer out) {
        int tokens = step().batch().tokens();
        CpuWeight w = CpuWeight.of(weight, WeightRole.VECTOR);
        norm.n = w.cols();
        norm.x = buffer(x, norm.n, tokens).address();
        norm.weight = w.address();
        norm.eps = eps;
        norm.output = buffer(out, norm.n, tokens).address();
        kernels.begin(norm);
        ranges.run(normRows, tokens, 2 * ELEMENT_NANOS * norm.n);
    }

    @Override
    public void linear(RowSet rows, Weight weight, Buffer in, Epilogue epilogue, Buffer out) {
        CpuLinearWeight w = CpuLinearWeight.of(weight);
        linear.rows = step().batch().rows(rows);
        CpuBuffer from = buffer(in, w.cols(), linear.rows);
        CpuBuffer to = buffer(out, w.rows(), linear.rows);
        linear.in = w.cols();
        linear.input = from.address();
        linear.inputStride = from.stride();
        linear.outputStride = to.stride();
        long added = switch (epilogue) {
            case Epilogue.None() -> 0;
            case Epilogue.Bias(Weight bias) -> bias(bias, w.rows());
        };
        if (linear.rows == 0) return;
        List<CpuLinearWeight.Section> sections = w.sections();
        for (int i = 0; i < sections.size(); i++) {
            CpuLinearWeight.Section section = sections.get(i);
            boolean prepared = i > 0 && section.layout() == linear.type;
            linear.weight = section.address();
            linear.type = section.layout();
            linear.out = section.rows();
            linear.bias = added == 0 ? 0 : added + DType.F32.bytes(section.firstRow());
            linear.output = to.address() + DType.F32.bytes(section.firstRow());
            kernels.begin(linear);
            if (!prepared) grid.prepare();
            grid.multiply();
        }
    }

    private static long bias(Weight bias, int outputs) {
        CpuWeight b = CpuWeight.of(bias, WeightRole.VECTOR);
        same("columns of bias and rows of weight", b.cols(), outputs);
        return b.address();
    }

    @Override
    public void ropeStore(AttentionShape shape, Buffer qkv, Weight ropeTable, int layer) {
        CpuWeight table = CpuWeight.of(ropeTable, WeightRole.ROPE_TABLE);
        same("columns of the rope table", table.cols(), shape.headDim());
        if (step().lastPosition() >= table.rows()) {
            throw new IllegalArgumentException("position " + step().lastPosition() + " is outside the rope table of " + table.rows());
        }
        fill(rope, shape, qkv, layer);
        rope.table = table.address();
        kernels.begin(rope);
        ranges.run(ropeTokens, step().batch().tokens(), 2 * ELEMENT_NANOS * shape.qkvCols());
    }

    @Override
    public void attention(AttentionShape shape, Buffer qkv, int layer, Buffer out) {
        CpuBuffer to = buffer(out, shape.heads() * shape.headDim(), step().batch().tokens());
        KernelArguments.Attend attend = started().attend;
        fill(attend, shape, qkv, layer);
        attend.scale = shape.scale();
        attend.output = to.address();
        attend.outputStride = to.stride();
        // All layers of a step have one shape: a family whose layers differ would make one plan for each.
        if (!planned) attend.plan.make(step().batch(), shape.heads(), shape.kvHeads());
        planned = true;
        kernels.begin(attend);
        pool.run(attendItem, attend.plan.items());
        pool.run(combineUnit, attend.plan.dividedUnits());
    }

    private void fill(KernelArguments.Cache a, AttentionShape shape, Buffer qkv, int layer) {
        Step step = step();
        CpuKvCache cache = step.cache;
        same("heads of shape and cache", shape.kvHeads(), cache.group().kvHeads());
        same("head dimensions of shape and cache", shape.headDim(), cache.group().headDim());
        CpuBuffer x = buffer(qkv, shape.qkvCols(), step.batch().tokens());
        a.heads = shape.heads();
        a.kvHeads = shape.kvHeads();
        a.headDim = shape.headDim();
        a.type = cache.group().dtype();
        a.keys = cache.keys(layer);
        a.values = cache.values(layer);
        a.headBytes = cache.headBytes();
        a.blockBytes = cache.blockBytes();
        a.blockTables = step.blockTables;
        a.maxBlocks = step.slots.maxBlocks();
        a.qkv = x.address();
        a.qkvStride = x.stride();
        a.positions = step.positions;
        a.slots = step.tokenSlots;
    }

    @Override
    public void activate(Activation activation, Buffer gateUp, Buffer out) {
        int tokens = step().batch().tokens();
        gate.activation = activation;
        gate.n = out.cols();
        gate.input = buffer(gateUp, 2 * gate.n, tokens).address();
        gate.output = buffer(out, gate.n, tokens).address();
        kernels.begin(gate);
        ranges.run(gateRows, tokens, 4 * ELEMENT_NANOS * gate.n);
    }

    @Override
    public void adjustLogits(Buffer logits, Buffer adjusted) {
        int rows = step().batch().rows();
        started().sampling.adjust(buffer(logits, logits.cols(), rows), buffer(adjusted, logits.cols(), rows));
    }

    @Override
    public void sample(Buffer adjusted, StepOutput output) {
        started().sampling.sample(buffer(adjusted, adjusted.cols(), step().batch().rows()), output(output));
    }

    @Override
    public void topLogprobs(Buffer logits, StepOutput output) {
        started().sampling.topLogprobs(buffer(logits, logits.cols(), step().batch().rows()), output(output));
    }

    private static HostStepOutput output(StepOutput output) {
        if (output instanceof HostStepOutput host) return host;
        throw new IllegalArgumentException("an output of another device: " + output.getClass());
    }

    private static CpuBuffer buffer(Buffer buffer, int cols, int rows) {
        CpuBuffer ours = CpuBuffer.of(buffer);
        same("columns of a buffer and of what it meets", ours.cols(), cols);
        if (ours.rows() < rows) throw new IllegalArgumentException(rows + " rows don't fit a buffer of " + ours.rows());
        return ours;
    }

    private static void same(String what, int a, int b) {
        if (a != b) throw new IllegalArgumentException(what + " differ: " + a + " and " + b);
    }
}
