package dev.skald.compute.cuda;

import static dev.skald.compute.cuda.Driver.check;

import dev.skald.compute.Batch;
import dev.skald.compute.BatchLimits;
import dev.skald.compute.Device;
import dev.skald.compute.DeviceInfo;
import dev.skald.compute.HostMemory;
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
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import jcuda.driver.JCudaDriver;

/**
 * An NVIDIA GPU. Calls enqueue on one stream and return; weights, cache and what is resident per slot stay on the card, and a step moves one
 * small block each way.
 */
public final class CudaDevice implements Device {
    private static final System.Logger LOG = System.getLogger(CudaDevice.class.getName());

    private final CudaContext context;
    private final CudaMemory memory = new CudaMemory();
    private final Kernels kernels;
    private final CudaOps ops;
    private final DeviceInfo info;
    private final List<CudaStepOutput> outputs = new ArrayList<>();
    private Optional<WeightUpload> upload = Optional.empty();
    private Optional<Results> results = Optional.empty();
    private Optional<Address> lastBatch = Optional.empty();
    private final boolean enforceEager;
    private boolean started;

    /** Where kernels leave a step's results. */
    private record Results(BatchLimits limits, DeviceAddress address) {}

    private CudaDevice(CudaContext context, CudaSettings settings) throws CudaUnavailableException {
        this.context = context;
        enforceEager = settings.enforceEager();
        kernels = Kernels.load(settings.kernels());
        Optional<Cublas> cublas = settings.batchInvariant() ? Optional.empty() : Cublas.open(memory, context.stream());
        ops = new CudaOps(kernels, cublas, context);
        String products = settings.batchInvariant()
                ? "own kernels only, batch-invariant"
                : cublas.isPresent() ? "cuBLAS for large products, own kernels for the rest" : "no libcublas.so.12 was found, so own kernels do everything";
        info = new DeviceInfo("cuda", context.name(), context.isa() + (settings.batchInvariant() ? " batch-invariant" : ""), 1, context.describe() + "; " + products);
    }

    /** @throws CudaUnavailableException in one sentence: what is missing */
    public static CudaDevice open(CudaSettings settings) throws CudaUnavailableException {
        CudaContext context = CudaContext.open(settings.ordinal());
        try {
            return new CudaDevice(context, settings);
        } catch (CudaUnavailableException | RuntimeException e) {
            context.close();
            throw e;
        }
    }

    /** Whether there are kernels for weights of this type. */
    public static boolean supports(DType dtype) {
        return dtype != DType.I32;
    }

    @Override
    public DeviceInfo info() {
        return info;
    }

    @Override
    public boolean asynchronous() {
        return true;
    }

    /** What is kept back holds the kernels' own tables and workspace, which grow with the card, and the graphs. */
    @Override
    public MemoryPlan plan(MemoryRequest request) {
        context.enter();
        long free = context.freeBytes();
        int layers = request.groups().stream().mapToInt(KvGroup::layers).sum();
        long graphs = enforceEager ? 0 : Math.min(CudaGraphs.plannedBytes(layers), free / 16);
        return HostMemory.plan(free, CudaContext.reservedBytes(free) + graphs, request);
    }

    @Override
    public Weight pack(WeightRole role, List<Tensor> parts) {
        context.enter();
        if (started) throw new IllegalStateException("the device was started; no weight is packed any more");
        if (upload.isEmpty()) upload = Optional.of(new WeightUpload(memory, context.stream()));
        if (role != WeightRole.LINEAR) return upload.get().pack(role, parts);
        CudaLinearWeight weight = upload.get().packLinear(parts);
        ops.expect(weight);
        return weight;
    }

    @Override
    public long packedBytes(WeightRole role, DType dtype, int rows, int cols) {
        return WeightUpload.bytes(role, dtype, rows, cols);
    }

    @Override
    public KvCache kvCache(List<KvGroup> groups, int blocks) {
        context.enter();
        if (groups.size() != 1) throw new IllegalArgumentException(groups.size() + " groups; this device has room for one");
        KvGroup group = groups.getFirst();
        CudaWeight.typeNumber(group.dtype());
        long bytes = Math.multiplyExact(group.bytesPerBlock(), (long) blocks);
        DeviceAddress address = memory.allocate(bytes, "the KV cache");
        // NaN in each type: what nobody wrote is never taken for a key or value
        check("cuMemsetD8Async", JCudaDriver.cuMemsetD8Async(address, (byte) 0xff, bytes, context.stream()));
        return new CudaKvCache(group, blocks, address.value());
    }

    @Override
    public Buffer buffer(DType dtype, int rows, int cols) {
        context.enter();
        if (dtype != DType.F32) throw new IllegalArgumentException("buffers are F32, not " + dtype);
        int stride = CudaBuffer.stride(cols);
        return new CudaBuffer(rows, cols, stride, memory.allocate(DType.F32.bytes((long) rows * stride), "the buffers of a step").value());
    }

    @Override
    public Batch batch(BatchLimits limits) {
        context.enter();
        return new Batch(limits, memory.pinned(4L * Batch.ints(limits)));
    }

    @Override
    public StepOutput output(BatchLimits limits) {
        context.enter();
        if (results.isEmpty() || !results.get().limits.equals(limits)) {
            results = Optional.of(new Results(limits, memory.allocate(CudaStepOutput.bytes(limits), "results of a step")));
        }
        CudaStepOutput output = new CudaStepOutput(memory, limits, results.get().address);
        outputs.add(output);
        return output;
    }

    @Override
    public void start(BatchLimits limits, KvCache cache, int vocabularySize) {
        context.enter();
        upload.ifPresent(WeightUpload::close);
        upload = Optional.empty();
        started = true;
        CudaKvCache kv = CudaKvCache.of(cache);
        CudaSlots slots = new CudaSlots(memory, kernels, context.stream(), limits, vocabularySize, kv.group().blockTokens());
        ops.start(memory, slots, kv, limits, context.freeBytes());
    }

    @Override
    public void setSlot(int slot, SlotSetup setup) {
        context.enter();
        ops.slots().setSlot(slot, setup);
    }

    @Override
    public void upload(Batch batch) {
        context.enter();
        long host = batch.block().address();
        if (lastBatch.isEmpty() || lastBatch.get().value() != host) lastBatch = Optional.of(new Address(host));
        ops.upload(batch, lastBatch.get());
    }

    @Override
    public void prepare(Consumer<StepOutput> model, StepOutput output) {
        if (enforceEager) return;
        context.enter();
        long before = context.freeBytes();
        ops.record(model, CudaStepOutput.of(output));
        check("cuStreamSynchronize", JCudaDriver.cuStreamSynchronize(context.stream()));
        LOG.log(System.Logger.Level.DEBUG, "graphs take {0} bytes of the GPU''s memory", before - context.freeBytes());
    }

    @Override
    public void step(Consumer<StepOutput> model, StepOutput output) {
        context.enter();
        ops.step(model, CudaStepOutput.of(output));
    }

    @Override
    public Ops ops() {
        return ops;
    }

    @Override
    public void await(StepOutput output) {
        context.enter();
        CudaStepOutput cuda = CudaStepOutput.of(output);
        ops.copyResults(cuda);
        cuda.await();
    }

    /** For tests. */
    CudaTensorAttention tensorAttention() {
        return ops.attention().tensor();
    }

    /** For tests: copies when all that was enqueued has run, and waits. @param to bytes of host memory */
    void read(long address, MemorySegment to) {
        context.enter();
        check("cuMemcpyDtoHAsync",
                JCudaDriver.cuMemcpyDtoHAsync(new Address(to.address()), new DeviceAddress(address), to.byteSize(), context.stream()));
        check("cuStreamSynchronize", JCudaDriver.cuStreamSynchronize(context.stream()));
    }

    /** For tests: copies when all that was enqueued has run, and waits. @param from bytes of host memory */
    void write(long address, MemorySegment from) {
        context.enter();
        check("cuMemcpyHtoDAsync",
                JCudaDriver.cuMemcpyHtoDAsync(new DeviceAddress(address), new Address(from.address()), from.byteSize(), context.stream()));
        check("cuStreamSynchronize", JCudaDriver.cuStreamSynchronize(context.stream()));
    }

    @Override
    public void close() {
        if (context.closed()) return;
        context.enterToClose();
        outputs.forEach(CudaStepOutput::close);
        ops.close();
        memory.close();
        kernels.close();
        context.close();
    }
}
