package dev.skald.model;

import dev.skald.tensor.Blocks;
import dev.skald.tensor.DType;
import dev.skald.tensor.Elements;
import dev.skald.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Changes the element type of a tensor on its way from the file to the device. */
final class Conversion {
    private static final long ALIGNMENT = 64;
    /** Elements at a time: whole blocks of every type. */
    private static final int CHUNK = 4096;

    private Conversion() {}

    /**
     * The tensor itself if it has that type already, else a copy that lives as long as somebody holds it. Quantised tensors can be converted
     * from, not to.
     *
     * @throws ModelException if a finite value would become infinite
     */
    static Tensor to(DType dtype, Tensor tensor) {
        if (tensor.dtype() == dtype) return tensor;
        long elements = tensor.shape().elements();
        MemorySegment data = Arena.ofAuto().allocate(dtype.bytes(elements), ALIGNMENT);
        for (long first = 0; first < elements; first += CHUNK) {
            float[] values = new float[(int) Math.min(CHUNK, elements - first)];
            Blocks.dequantise(tensor.dtype(), tensor.data(), first, values);
            for (int i = 0; i < values.length; i++) {
                if (Float.isFinite(values[i]) && !Float.isFinite(Elements.round(dtype, values[i]))) {
                    throw new ModelException("tensor " + tensor.name() + " holds " + values[i] + ", which " + dtype + " can't represent");
                }
                Elements.set(dtype, data, first + i, values[i]);
            }
        }
        return new Tensor(tensor.name(), dtype, tensor.shape(), data);
    }
}
