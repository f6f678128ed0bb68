package dev.skald.compute;

import dev.skald.tensor.DType;
import dev.skald.tensor.Elements;
import dev.skald.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** Host tensors for tests. */
final class TestTensors {
    private TestTensors() {}

    /** The tensor rounded to another type, at an odd address, as in a mapped file. */
    static Tensor convert(DType dtype, Tensor tensor) {
        long elements = tensor.shape().elements();
        MemorySegment data = MemorySegment.ofArray(new byte[1 + Math.toIntExact(dtype.bytes(elements))]).asSlice(1);
        for (long i = 0; i < elements; i++) Elements.set(dtype, data, i, Elements.get(tensor.dtype(), tensor.data(), i));
        return new Tensor(tensor.name(), dtype, tensor.shape(), data);
    }
}
