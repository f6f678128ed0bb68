package dev.skald.model;

import dev.skald.tensor.DType;
import java.util.Optional;

/**
 * How a decoder is loaded.
 *
 * @param dtype          element type of the embedding and the projections (norms and biases are f32); empty: as in the file
 * @param maxModelLength tokens of the longest sequence; sizes the rope table
 */
public record LoadOptions(Optional<DType> dtype, int maxModelLength) {
    public LoadOptions {
        if (dtype.isPresent() && (dtype.get() == DType.I32 || dtype.get().quantised())) {
            throw new IllegalArgumentException("weights can't be converted to " + dtype.get());
        }
        if (maxModelLength < 1) throw new IllegalArgumentException("maximum model length " + maxModelLength + " is not positive");
    }
}
