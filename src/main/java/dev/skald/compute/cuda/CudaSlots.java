package dev.skald.compute.cuda;

import static dev.skald.compute.cuda.Driver.check;

import dev.skald.compute.Batch;
import dev.skald.compute.BatchLimits;
import dev.skald.sampling.SlotSetup;
import java.lang.foreign.MemorySegment;
import jcuda.driver.CUfunction;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;

/**
 * What is resident on the device from step to step: the batch at hand, block tables, last tokens and sampling states; and how it gets there. All
 * of it is allocated when the device starts.
 */
final class CudaSlots {
    private static final long LEAST_RING_BYTES = 1 << 20;
    private static final int ALIGNMENT = 16;

    private final BatchLimits limits;
    private final int vocabulary;
    private final Kernels kernels;
    private final CUstream stream;
    private final CUfunction setSlot;
    private final CUfunction applyChanges;
    private final DeviceAddress batch;
    private final MemorySegment step;
    /** Records on their way: written here, copied to the same place of the device's ring. Wrapping around waits for the device. */
    private final MemorySegment ring;
    private final long ringOnDevice;
    private long ringAt;

    /** @param blockTokens tokens of a block of the KV cache */
    CudaSlots(CudaMemory memory, Kernels kernels, CUstream stream, BatchLimits limits, int vocabulary, int blockTokens) {
        this.limits = limits;
        this.vocabulary = vocabulary;
        this.kernels = kernels;
        this.stream = stream;
        setSlot = kernels.function("skald_set_slot");
        applyChanges = kernels.function("skald_apply_changes");
        long slots = limits.maxSequences();
        int words = SlotRecord.allowedWords(vocabulary);
        batch = memory.allocate(4L * Batch.ints(limits), "the batch");
        DeviceAddress tables = memory.allocate(4 * slots * limits.maxBlocks(), "block tables");
        DeviceAddress last = memory.allocate(4 * slots, "last tokens");
        DeviceAddress states = memory.allocate(slots * SlotRecord.STATE_BYTES, "sampling states");
        DeviceAddress counts = memory.allocate(4 * slots * vocabulary, "penalty counts");
        DeviceAddress allowed = memory.allocate(4 * slots * words, "masks of allowed tokens");
        check("cuMemsetD8Async", JCudaDriver.cuMemsetD8Async(states, (byte) 0, slots * SlotRecord.STATE_BYTES, stream));
        check("cuMemsetD8Async", JCudaDriver.cuMemsetD8Async(last, (byte) 0xff, 4 * slots, stream));
        check("cuMemsetD8Async", JCudaDriver.cuMemsetD8Async(tables, (byte) 0, 4 * slots * limits.maxBlocks(), stream));
        long longest = 4L * (60_000 + words + 2L * limits.maxBlocks() * blockTokens);
        ring = memory.pinned(Math.max(LEAST_RING_BYTES, longest));
        ringOnDevice = memory.allocate(ring.byteSize(), "setups of slots").value();
        Arguments arguments = kernels.arguments().begin();
        arguments.put(batch.value()).put(tables.value()).put(last.value()).put(states.value()).put(counts.value()).put(allowed.value());
        arguments.put(limits.maxTokens()).put(limits.maxSequences()).put(limits.maxLogitRows()).put(limits.maxBlocks()).put(vocabulary).put(words);
        step = MemorySegment.ofArray(arguments.bytes().toArray(java.lang.foreign.ValueLayout.JAVA_BYTE));
    }

    /** The kernels' {@code Step}, with which every structure of arguments begins. */
    MemorySegment step() {
        return step;
    }

    int vocabulary() {
        return vocabulary;
    }

    void setSlot(int slot, SlotSetup setup) {
        if (slot < 0 || slot >= limits.maxSequences()) throw new IllegalArgumentException("slot " + slot + " of " + limits.maxSequences());
        long bytes = Math.ceilDiv(SlotRecord.bytes(vocabulary, setup), ALIGNMENT) * ALIGNMENT;
        if (bytes > ring.byteSize()) throw new IllegalArgumentException("a setup of " + bytes + " bytes is longer than a sequence can be");
        if (ringAt + bytes > ring.byteSize()) {
            check("cuStreamSynchronize", JCudaDriver.cuStreamSynchronize(stream));
            ringAt = 0;
        }
        SlotRecord.write(vocabulary, setup, ring.asSlice(ringAt, bytes));
        long record = ringOnDevice + ringAt;
        check("cuMemcpyHtoDAsync",
                JCudaDriver.cuMemcpyHtoDAsync(new DeviceAddress(record), new Address(ring.address() + ringAt), bytes, stream));
        kernels.arguments().begin(step).put(record).put(slot).put(0);
        kernels.launch(setSlot, 1, 1, 1, 0, stream);
        ringAt += bytes;
    }

    void upload(Batch next, Address host) {
        check("cuMemcpyHtoDAsync", JCudaDriver.cuMemcpyHtoDAsync(batch, host, 4L * next.usedInts(), stream));
        if (next.tableChanges() == 0) return;
        kernels.arguments().begin(step);
        kernels.launch(applyChanges, Math.ceilDiv(next.tableChanges(), Kernels.BLOCK), 1, 1, 0, stream);
    }
}
