package dev.skald.model;

import dev.skald.compute.Device;
import dev.skald.quantize.Progress;
import dev.skald.quantize.Quantiser;
import dev.skald.tensor.DType;
import dev.skald.tensor.Tensor;
import dev.skald.weights.Checkpoint;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Brings matrices from a checkpoint into the types and the order of rows in which a device takes them. What is made on the way lives until
 * it is packed, and no longer: never two copies of a model. One thread, which a quantiser's workers help.
 */
final class MatrixLoader implements AutoCloseable {
    private static final long ALIGNMENT = 64;

    private final DecoderSpec spec;
    private final Checkpoint checkpoint;
    private final Device device;
    private final LoadedTypes types;
    private final Quantiser quantiser;
    private final Progress progress;
    private final long total;
    private long done;

    MatrixLoader(DecoderSpec spec, Checkpoint checkpoint, Device device, LoadOptions options) {
        this.spec = spec;
        this.checkpoint = checkpoint;
        types = new LoadedTypes(spec, options);
        this.device = device;
        quantiser = new Quantiser(device.info().threads());
        progress = options.progress();
        total = options.quantises() ? WeightPlan.of(spec, options.dtype().orElseThrow()).bytes() : 0;
    }

    /** @param packing gets the tensors in order; they are gone when it returns, so it copies what isn't mapped from a file */
    <T> T pack(List<String> names, Function<List<Tensor>, T> packing) {
        try (Arena arena = Arena.ofShared()) {
            return packing.apply(names.stream().map(checkpoint::tensor).map(t -> loaded(t, arena)).flatMap(this::inOrder).toList());
        }
    }

    private Tensor loaded(Tensor tensor, Arena arena) {
        DType type = types.of(tensor);
        if (type == tensor.dtype()) return progressed(tensor);
        if (!type.quantised()) return released(tensor, Conversion.to(type, tensor));
        MemorySegment data = arena.allocate(type.bytes(tensor.shape().elements()), ALIGNMENT);
        quantiser.convert(tensor, type, data);
        return released(tensor, progressed(new Tensor(tensor.name(), type, tensor.shape(), data)));
    }

    private Tensor released(Tensor source, Tensor converted) {
        device.release(source);
        return converted;
    }

    private Tensor progressed(Tensor tensor) {
        done += tensor.data().byteSize();
        if (total > 0) progress.at(Math.min(done, total), total);
        return tensor;
    }

    /** The kernels rotate the halves of a head against each other, so the rows of q and k must stand in that order. */
    private Stream<Tensor> inOrder(Tensor part) {
        TensorNames names = spec.names();
        return names.headRows() == HeadRows.PAIRS && names.isQueryOrKey(part.name()) ? HeadRows.halves(part, spec.headDim()) : Stream.of(part);
    }

    @Override
    public void close() {
        quantiser.close();
    }
}
