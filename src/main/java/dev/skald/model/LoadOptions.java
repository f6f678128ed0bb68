package dev.skald.model;

import dev.skald.quantize.Progress;
import dev.skald.tensor.DType;
import java.util.Optional;

/**
 * How a decoder is loaded.
 *
 * @param dtype          element type of the embedding and the projections (norms and biases are f32); empty: as in the file. F32: of all
 *                       tensors. F16, BF16: of those that aren't quantised in the file. Quantised: each tensor gets what {@link WeightPlan} says
 * @param maxModelLength tokens of the longest sequence; sizes the rope table
 * @param progress       hears how much is quantised
 */
public record LoadOptions(Optional<DType> dtype, int maxModelLength, Progress progress) {
    public LoadOptions {
        if (dtype.isPresent() && dtype.get() == DType.I32) throw new IllegalArgumentException("weights can't be converted to " + dtype.get());
        if (maxModelLength < 1) throw new IllegalArgumentException("maximum model length " + maxModelLength + " is not positive");
    }

    /** Nobody hears of the progress. */
    public LoadOptions(Optional<DType> dtype, int maxModelLength) {
        this(dtype, maxModelLength, Progress.NONE);
    }

    /** Whether quantised weights, where there are some, are widened, so that activations aren't rounded to integers. */
    public boolean widens() {
        return dtype.isPresent() && dtype.get() == DType.F32;
    }

    /** Whether weights are quantised while they are loaded. */
    public boolean quantises() {
        return dtype.isPresent() && dtype.get().quantised();
    }
}
