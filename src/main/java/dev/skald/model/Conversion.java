package dev.skald.model;

import dev.skald.tensor.DType;
import dev.skald.tensor.Elements;
import dev.skald.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Changes the element type of a tensor on its way from the file to the device. */
final class Conversion {
    private static final long ALIGNMENT = 64;

    private Conversion() {}

    /**
     * The tensor itself if it has that type already, else a copy that lives as long as somebody holds it.
     *
     * @throws ModelException if a finite value would become infinite
     */
    static Tensor to(DType dtype, Tensor tensor) {
        if (tensor.dtype() == dtype) return tensor;
        long elements = tensor.shape().elements();
        MemorySegment data = Arena.ofAuto().allocate(dtype.bytes(elements), ALIGNMENT);
        for (long i = 0; i < elements; i++) {
            float value = Elements.get(tensor.dtype(), tensor.data(), i);
            if (Float.isFinite(value) && !Float.isFinite(Elements.round(dtype, value))) {
                throw new ModelException("tensor " + tensor.name() + " holds " + value + ", which " + dtype + " can't represent");
            }
            Elements.set(dtype, data, i, value);
        }
        return new Tensor(tensor.name(), dtype, tensor.shape(), data);
    }
}
