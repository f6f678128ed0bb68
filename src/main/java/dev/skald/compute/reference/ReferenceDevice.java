package dev.skald.compute.reference;

import dev.skald.compute.Batch;
import dev.skald.compute.BatchLimits;
import dev.skald.compute.Device;
import dev.skald.compute.DeviceInfo;
import dev.skald.compute.HostMemory;
import dev.skald.compute.HostSlots;
import dev.skald.compute.HostStepOutput;
import dev.skald.compute.KvCache;
import dev.skald.compute.KvGroup;
import dev.skald.compute.MemoryPlan;
import dev.skald.compute.MemoryRequest;
import dev.skald.compute.Ops;
import dev.skald.compute.StepOutput;
import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import dev.skald.sampling.Sampler;
import dev.skald.sampling.SlotSetup;
import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import dev.skald.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Optional;

/** Scalar Java on one thread; work is done inside the calls. */
public final class ReferenceDevice implements Device {
    private final Arena arena = Arena.ofShared();
    private final ReferenceOps ops = new ReferenceOps(this);
    private Optional<Started> started = Optional.empty();
    private Optional<Batch> batch = Optional.empty();

    private record Started(HostSlots slots, ReferenceKvCache cache, Sampler sampler) {}

    @Override
    public DeviceInfo info() {
        return new DeviceInfo("reference", System.getProperty("os.arch"), "java-scalar", 1, "scalar Java, to test the other devices against");
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
        return HeapWeight.pack(role, parts);
    }

    @Override
    public long packedBytes(WeightRole role, DType dtype, int rows, int cols) {
        return DType.F32.bytes((long) rows * cols);
    }

    @Override
    public KvCache kvCache(List<KvGroup> groups, int blocks) {
        return new ReferenceKvCache(arena, groups, blocks);
    }

    @Override
    public Buffer buffer(DType dtype, int rows, int cols) {
        if (dtype != DType.F32) throw new IllegalArgumentException("buffers are F32, not " + dtype);
        return HeapBuffer.allocate(rows, cols);
    }

    @Override
    public Batch batch(BatchLimits limits) {
        return new Batch(limits, arena.allocate(4L * Batch.ints(limits), 64));
    }

    @Override
    public StepOutput output(BatchLimits limits) {
        return new HostStepOutput(limits);
    }

    @Override
    public void start(BatchLimits limits, KvCache cache, int vocabularySize) {
        started = Optional.of(
                new Started(new HostSlots(limits, vocabularySize), ReferenceKvCache.of(cache), new Sampler(vocabularySize)));
    }

    @Override
    public void setSlot(int slot, SlotSetup setup) {
        slots().setSlot(slot, setup);
    }

    @Override
    public void upload(Batch next) {
        batch = Optional.of(next);
        slots().applyTableChanges(next);
    }

    @Override
    public Ops ops() {
        return ops;
    }

    @Override
    public void await(StepOutput output) {}

    HostSlots slots() {
        return started().slots;
    }

    ReferenceKvCache cache() {
        return started().cache;
    }

    Sampler sampler() {
        return started().sampler;
    }

    Batch batch() {
        return batch.orElseThrow(() -> new IllegalStateException("no batch was uploaded"));
    }

    private Started started() {
        return started.orElseThrow(() -> new IllegalStateException("the device was not started"));
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) arena.close();
    }
}
