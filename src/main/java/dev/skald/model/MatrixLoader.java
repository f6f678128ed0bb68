package dev.skald.model;

import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import dev.skald.quantize.Progress;
import dev.skald.quantize.Quantiser;
import dev.skald.tensor.DType;
import dev.skald.tensor.Tensor;
import dev.skald.weights.Checkpoint;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Brings tensors from a checkpoint into the types and the order of rows in which a device takes them. What is made on the way lives until
 * it is packed, and no longer: never two copies of a model. One thread, which a quantiser's workers help.
 */
final class MatrixLoader implements WeightMaker {
    private static final long ALIGNMENT = 64;

    private final DecoderSpec spec;
    private final Checkpoint checkpoint;
    private final Packing packing;
    private final Consumer<Tensor> released;
    private final LoadedTypes types;
    private final Quantiser quantiser;
    private final Progress progress;
    private final long total;
    private long done;

    /** Packs tensors, which are gone when it returns: so it copies what isn't mapped from a file. */
    @FunctionalInterface
    interface Packing {
        /** @param parts to be stacked in this order */
        Weight pack(WeightRole role, List<Tensor> parts);
    }

    /**
     * @param threads  that quantise
     * @param packing  what becomes of the tensors
     * @param released hears of tensors that were converted and won't be read again
     */
    MatrixLoader(DecoderSpec spec, Checkpoint checkpoint, LoadOptions options, int threads, Packing packing, Consumer<Tensor> released) {
        this.spec = spec;
        this.checkpoint = checkpoint;
        this.packing = packing;
        this.released = released;
        types = new LoadedTypes(spec, options);
        quantiser = new Quantiser(threads);
        progress = options.progress();
        total = options.quantises() ? WeightPlan.of(spec, options.dtype().orElseThrow()).bytes() : 0;
    }

    @Override
    public List<Weight> make(List<WeightRole> roles, List<String> names) {
        try (Arena arena = Arena.ofShared()) {
            List<Tensor> parts = names.stream()
                    .map(checkpoint::tensor)
                    .map(tensor -> roles.contains(WeightRole.VECTOR) ? Conversion.to(DType.F32, tensor) : loaded(tensor, arena))
                    .flatMap(this::inOrder)
                    .toList();
            return roles.stream().map(role -> packing.pack(role, parts)).toList();
        }
    }

    private Tensor loaded(Tensor tensor, Arena arena) {
        DType type = types.of(tensor.name(), tensor.dtype());
        if (type == tensor.dtype()) return progressed(tensor);
        if (!type.quantised() && !tensor.dtype().quantised()) return released(tensor, Conversion.to(type, tensor));
        MemorySegment data = arena.allocate(type.bytes(tensor.shape().elements()), ALIGNMENT);
        quantiser.convert(tensor, type, data);
        return released(tensor, progressed(new Tensor(tensor.name(), type, tensor.shape(), data)));
    }

    private Tensor released(Tensor source, Tensor converted) {
        released.accept(source);
        return converted;
    }

    private Tensor progressed(Tensor tensor) {
        done += tensor.data().byteSize();
        if (total > 0) progress.at(Math.min(done, total), total);
        return tensor;
    }

    /** The kernels rotate the halves of a head against each other, so the rows of q and k, and their biases, must stand in that order. */
    private Stream<Tensor> inOrder(Tensor part) {
        TensorNames names = spec.names();
        return names.headRows() == HeadRows.PAIRS && names.isQueryOrKey(part.name()) ? HeadRows.halves(part, spec.headDim()) : Stream.of(part);
    }

    @Override
    public void close() {
        quantiser.close();
    }
}
