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
import dev.skald.compute.PackedWeight;
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
import java.util.Optional;

/**
 * The CPU, with kernels in C or on the Vector API and a pool of threads. A step runs inside the calls: the calling thread is one of those that compute.
 * Embeddings, and weights that were packed for files, are read from the mapped file, which must stay mapped as long as the device is open; all
 * other memory is its own.
 */
public final class CpuDevice implements Device {
    /** Partial results of attention that one long sequence of 64 heads leaves in one layer; what doesn't fit is computed undivided. */
    private static final int PARTIAL_ROWS = 64;

    private final NativeMemory memory = new NativeMemory();
    private final Kernels kernels;
    private final WorkerPool pool;
    private final CpuPacker packer;
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
        packer = new CpuPacker(pool);
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
        PackedWeight packed = packer.pack(role, parts, memory::allocate);
        if (role == WeightRole.LINEAR) packer.release(parts);
        return adopt(packed);
    }

    @Override
    public Optional<String> packedLayout() {
        return Optional.of(packer.layout());
    }

    @Override
    public Weight adopt(PackedWeight packed) {
        if (ops.isStarted()) throw new IllegalStateException("the device was started; nothing is allocated any more");
        CpuPacker.check(packed);
        if (packed.role() != WeightRole.LINEAR) return adoptWhole(packed);
        widestInput = Math.max(widestInput, packed.cols());
        List<CpuLinearWeight.Section> sections = new ArrayList<>();
        for (PackedWeight.Section section : packed.sections()) {
            if (section.layout().quantised()) widestQuantised = Math.max(widestQuantised, packed.cols());
            sections.add(new CpuLinearWeight.Section(section.layout(), section.firstRow(), section.rows(), section.data()));
        }
        return new CpuLinearWeight(packed.dtype(), packed.rows(), packed.cols(), sections);
    }

    private CpuWeight adoptWhole(PackedWeight packed) {
        MemorySegment data = packed.sections().getFirst().data();
        if (packed.role() == WeightRole.EMBEDDING && packed.dtype().quantised()) ops.reserveLookup(packed.dtype());
        return new CpuWeight(packed.role(), packed.dtype(), packed.rows(), packed.cols(), data.isMapped() ? 0 : data.byteSize(), data);
    }

    @Override
    public void release(Tensor source) {
        packer.release(List.of(source));
    }

    @Override
    public long packedBytes(WeightRole role, DType type, int rows, int cols) {
        return CpuPacker.bytes(role, role == WeightRole.LINEAR ? CpuPacker.layout(type) : type, rows, cols);
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
