package dev.skald.model;

import dev.skald.quantize.WeightTypes;
import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import dev.skald.weights.Checkpoint;
import java.util.List;

/**
 * Which type each of a model's tensors gets when the model is to have a type.
 *
 * @param entries in the order in which a forward pass meets them
 */
public record WeightPlan(List<Entry> entries) {
    /**
     * @param name       in the checkpoint
     * @param shape      its shape
     * @param dtype      the type it gets
     * @param queryOrKey whether its rows belong to heads that rotary embedding turns
     */
    public record Entry(String name, Shape shape, DType dtype, boolean queryOrKey) {
        public long bytes() {
            return dtype.bytes(shape.elements());
        }
    }

    public WeightPlan {
        entries = List.copyOf(entries);
    }

    /** @param wanted quantised or not; norms and biases are F32 whatever it is */
    public static WeightPlan of(DecoderSpec spec, DType wanted) {
        String head = DecoderWeights.weight(spec.tiedHead() ? spec.names().embedding() : spec.names().head());
        return new WeightPlan(ExpectedTensors.of(spec).shapes().entrySet().stream()
                .map(e -> {
                    Shape shape = e.getValue();
                    DType dtype = shape.rank() == 1 ? DType.F32 : WeightTypes.of(wanted, shape.dim(1), e.getKey().equals(head));
                    return new Entry(e.getKey(), shape, dtype, spec.names().isQueryOrKey(e.getKey()));
                })
                .toList());
    }

    /** @throws ModelException naming tensors that are missing, wrongly shaped or not expected */
    public static void check(DecoderSpec spec, Checkpoint checkpoint) {
        ExpectedTensors.of(spec).check(checkpoint);
    }

    /** The type of one of them. @throws IllegalArgumentException for a name that isn't planned */
    public DType dtype(String name) {
        return entries.stream().filter(e -> e.name().equals(name)).findFirst().map(Entry::dtype)
                .orElseThrow(() -> new IllegalArgumentException("no tensor " + name));
    }

    /** Bytes of all of them. */
    public long bytes() {
        return entries.stream().mapToLong(Entry::bytes).sum();
    }
}
