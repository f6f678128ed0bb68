package dev.skald.compute.cpu;

import dev.skald.compute.Batch;
import dev.skald.compute.BatchLimits;
import dev.skald.compute.Device;
import dev.skald.compute.DeviceInfo;
import dev.skald.compute.HostMemory;
import dev.skald.compute.HostStepOutput;
import dev.skald.compute.KvCache;
import dev.skald.compute.KvGroup;
import dev.skald.compute.MemoryPlan;
import dev.skald.compute.MemoryRequest;
import dev.skald.compute.Ops;
import dev.skald.compute.StepOutput;
import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import dev.skald.sampling.SlotSetup;
import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import dev.skald.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * The CPU, with kernels in C or on the Vector API and a pool of threads. A step runs inside the calls: the calling thread is one of those that compute.
 * Embeddings are read from the mapped file, which must stay mapped as long as the device is open; all other memory is its own.
 */
public final class CpuDevice implements Device {
    /** Partial results of attention that one long sequence of 64 heads leaves in one layer; what doesn't fit is computed undivided. */
    private static final int PARTIAL_ROWS = 64;

    private final NativeMemory memory = new NativeMemory();
    private final Kernels kernels;
    private final WorkerPool pool;
    private final CpuOps ops;
    private final DeviceInfo info;
    private int widestInput;
    private int widestQuantised;

    private CpuDevice(CpuOptions options) {
        KernelChoice choice;
        try {
            choice = KernelChoice.make(options, memory);
        } catch (RuntimeException e) {
            memory.close();
            throw e;
        }
        kernels = choice.kernels();
        int threads = options.threads().orElse(Runtime.getRuntime().availableProcessors());
        pool = new WorkerPool(threads);
        ops = new CpuOps(kernels, pool);
        String why = choice.why() + "; " + threads + (threads == 1 ? " thread, " : " threads, ")
                + (options.threads().isPresent() ? "as asked" : "as many as processors are available");
        info = new DeviceInfo("cpu", Processor.name(), kernels.isa(), threads, why);
    }

    /** @throws IllegalStateException if this machine or JVM can't run the kernels that were asked for; the message says what it lacks */
    public static CpuDevice open(CpuOptions options) {
        if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
            throw new IllegalStateException("weights are little-endian, this processor is not");
        }
        return new CpuDevice(options);
    }

    @Override
    public DeviceInfo info() {
        return info;
    }

    @Override
    public boolean asynchronous() {
        return false;
    }

    @Override
    public MemoryPlan plan(MemoryRequest request) {
        return HostMemory.plan(HostMemory.freeBytes(), request);
    }

    @Override
    public Weight pack(WeightRole role, List<Tensor> parts) {
        if (ops.isStarted()) throw new IllegalStateException("the device was started; nothing is allocated any more");
        return switch (role) {
            case LINEAR -> packLinear(parts);
            case EMBEDDING -> packEmbedding(parts);
            case VECTOR, ROPE_TABLE -> packDense(role, parts);
        };
    }

    private Weight packLinear(List<Tensor> parts) {
        int cols = Packing.cols(WeightRole.LINEAR, parts);
        int rows = Packing.rows(WeightRole.LINEAR, parts);
        widestInput = Math.max(widestInput, cols);
        List<CpuLinearWeight.Section> sections = new ArrayList<>();
        int row = 0;
        for (int first = 0, end; first < parts.size(); first = end) {
            DType type = parts.get(first).dtype();
            for (end = first + 1; end < parts.size() && parts.get(end).dtype() == type; ) end++;
            CpuLinearWeight.Section section = packSection(parts.subList(first, end), row, cols);
            sections.add(section);
            row += section.rows();
        }
        NativeMemory.dropPages(parts.stream().map(Tensor::data).toList());
        return new CpuLinearWeight(parts.getFirst().dtype(), rows, cols, sections);
    }

    /** Parts of one type. */
    private CpuLinearWeight.Section packSection(List<Tensor> parts, int firstRow, int cols) {
        DType type = parts.getFirst().dtype();
        int rows = Packing.rows(WeightRole.LINEAR, parts);
        MemorySegment packed = memory.allocate(linearBytes(type, rows, cols));
        if (!type.quantised()) {
            Panels.pack(pool, parts, rows, cols, packed);
            return new CpuLinearWeight.Section(type, firstRow, rows, packed);
        }
        widestQuantised = Math.max(widestQuantised, cols);
        QuantPanels.pack(pool, parts, cols, packed);
        return new CpuLinearWeight.Section(QuantPanels.layout(type), firstRow, rows, packed);
    }

    private static long linearBytes(DType type, int rows, int cols) {
        return type.quantised() ? QuantPanels.bytes(QuantPanels.layout(type), rows, cols) : Panels.bytes(type, rows, cols);
    }

    @Override
    public void release(Tensor source) {
        NativeMemory.dropPages(List.of(source.data()));
    }

    @Override
    public long packedBytes(WeightRole role, DType type, int rows, int cols) {
        return switch (role) {
            case LINEAR -> linearBytes(type, rows, cols);
            case EMBEDDING -> type.bytes((long) rows * cols);
            case VECTOR, ROPE_TABLE -> DType.F32.bytes((long) rows * cols);
        };
    }

    private CpuWeight packEmbedding(List<Tensor> parts) {
        int cols = Packing.cols(WeightRole.EMBEDDING, parts);
        int rows = Packing.rows(WeightRole.EMBEDDING, parts);
        Tensor first = parts.getFirst();
        if (first.dtype().quantised()) ops.reserveLookup(first.dtype());
        if (parts.size() == 1 && first.data().isMapped()) return new CpuWeight(WeightRole.EMBEDDING, first.dtype(), rows, cols, 0, first.data());
        MemorySegment copy = memory.allocate(first.dtype().bytes((long) rows * cols));
        Packing.copy(parts, copy);
        return new CpuWeight(WeightRole.EMBEDDING, first.dtype(), rows, cols, copy.byteSize(), copy);
    }

    private CpuWeight packDense(WeightRole role, List<Tensor> parts) {
        int cols = Packing.cols(role, parts);
        int rows = Packing.rows(role, parts);
        MemorySegment dense = memory.allocate(DType.F32.bytes((long) rows * cols));
        Packing.widen(parts, dense);
        return new CpuWeight(role, parts.getFirst().dtype(), rows, cols, dense.byteSize(), dense);
    }

    @Override
    public KvCache kvCache(List<KvGroup> groups, int blocks) {
        return new CpuKvCache(memory, groups, blocks);
    }

    @Override
    public Buffer buffer(DType dtype, int rows, int cols) {
        if (dtype != DType.F32) throw new IllegalArgumentException("buffers are F32, not " + dtype);
        return new CpuBuffer(rows, cols, memory.allocate(DType.F32.bytes((long) rows * cols)));
    }

    @Override
    public Batch batch(BatchLimits limits) {
        return new Batch(limits, memory.allocate(4L * Batch.ints(limits)));
    }

    @Override
    public StepOutput output(BatchLimits limits) {
        return new HostStepOutput(limits);
    }

    @Override
    public void start(BatchLimits limits, KvCache cache, int vocabularySize) {
        CpuKvCache kv = CpuKvCache.of(cache);
        int rows = Math.max(limits.maxTokens(), limits.maxLogitRows());
        int splits = Math.ceilDiv(limits.maxBlocks() * CpuKvCache.BLOCK_TOKENS, AttentionPlan.SPLIT_TOKENS);
        int partials = splits > 1 && pool.threads() > 1 ? PARTIAL_ROWS * splits : 0;
        kernels.reserve(new Kernels.Scratch(rows, widestInput, widestQuantised, kv.group().headDim(), partials, pool.threads()));
        Step step = new Step(memory, limits, vocabularySize, kv, batch(limits));
        CpuBuffer none = new CpuBuffer(0, vocabularySize, MemorySegment.NULL);
        SamplingRows sampling = new SamplingRows(ops.ranges(), step, pool.threads(), limits, vocabularySize, none);
        KernelArguments.Attend attend = new KernelArguments.Attend(new AttentionPlan(memory, partials, pool.threads()));
        ops.start(new CpuOps.Started(step, attend, sampling, NativeInts.allocate(memory, rows)));
    }

    @Override
    public void setSlot(int slot, SlotSetup setup) {
        ops.step().slots.setSlot(slot, setup);
    }

    @Override
    public void upload(Batch batch) {
        ops.upload(batch);
        pool.beginStep();
    }

    @Override
    public Ops ops() {
        return ops;
    }

    @Override
    public void await(StepOutput output) {
        pool.endStep();
    }

    @Override
    public void close() {
        pool.close();
        memory.close();
    }
}
