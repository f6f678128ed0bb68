package dev.skald.compute;

import dev.skald.sampling.SlotSetup;
import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import dev.skald.tensor.Tensor;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Memory and arithmetic of one processor. All memory is allocated while loading, none after {@link #start}. Calls enqueue work in order;
 * only {@link #await} waits for it. Not thread-safe: the loader uses it first, then the engine thread alone.
 */
public interface Device extends AutoCloseable {
    DeviceInfo info();

    /** Whether work goes on after a call returns. If not, a step runs inside the calls, and nothing is gained by submitting early. */
    boolean asynchronous();

    /**
     * Divides what is really free between weights, activations and KV cache.
     *
     * @throws InsufficientMemoryException with the numbers and what to change, if one full-length sequence does not fit
     */
    MemoryPlan plan(MemoryRequest request);

    /**
     * Brings host tensors into the layout that this device's kernels read. What is mapped from a file may be read in place later on, all else
     * is copied.
     *
     * @param parts one or more tensors of equal columns, and equal dtype unless for {@link WeightRole#LINEAR}, stacked by rows in this order:
     *              {@code [Σ rows, cols]}; 1-D tensors are {@code [1, cols]} for {@link WeightRole#VECTOR} (a single part) and concatenated for a bias
     */
    Weight pack(WeightRole role, List<Tensor> parts);

    /** The layout in which {@link #adopt} takes weights, named with its version; empty if this device takes none that were packed elsewhere. */
    default Optional<String> packedLayout() {
        return Optional.empty();
    }

    /**
     * Takes a weight that a {@link Packer} of the same layout made, in place: its memory is read as long as the device is open. The result is
     * bitwise that of {@link #pack}.
     *
     * @throws IllegalArgumentException if its sizes are not those of the layout
     * @throws IllegalStateException    if {@link #packedLayout} is empty
     */
    default Weight adopt(PackedWeight packed) {
        throw new IllegalStateException(info().name() + " takes no packed weights");
    }

    /** A host tensor was converted on its way to {@link #pack} and won't be read again: a device that shares the host's memory may tell the system. */
    default void release(Tensor source) {}

    /** Bytes of device memory that {@link #pack} takes for one part, the padding of stacked parts aside; what it reads from a mapped file counts too. */
    long packedBytes(WeightRole role, DType dtype, int rows, int cols);

    /** @param blocks number of blocks in each group's pool */
    KvCache kvCache(List<KvGroup> groups, int blocks);

    Buffer buffer(DType dtype, int rows, int cols);

    /** A batch block that this device can read; the caller fills it. */
    Batch batch(BatchLimits limits);

    /** A result block that this device can write. */
    StepOutput output(BatchLimits limits);

    /** Allocates what is resident per slot (block table, last token, sampling state). After this and {@link #prepare} nothing is allocated. */
    void start(BatchLimits limits, KvCache cache, int vocabularySize);

    /** Enqueues: the slot belongs to a new sequence from here on. */
    void setSlot(int slot, SlotSetup setup);

    /** Enqueues the copy of the batch, applies its block-table changes, and makes it the one that following operations work on. */
    void upload(Batch batch);

    Ops ops();

    /**
     * Called once after {@link #start} with what enqueues a step, before the first one: a device that can record work does so here, for steps of
     * sizes of its own choice, and allocates what it needs for that. The model sees no real batch then.
     *
     * @param output one of those that steps will write
     */
    default void prepare(Consumer<StepOutput> model, StepOutput output) {}

    /** Enqueues a whole step on the batch uploaded last: the model does, or what {@link #prepare} recorded of it is played back. The bits are the same. */
    default void step(Consumer<StepOutput> model, StepOutput output) {
        model.accept(output);
    }

    /** Waits until everything enqueued before {@code output} was last written has run; then its values can be read. */
    void await(StepOutput output);

    @Override
    void close();
}
