package dev.skald.tensor;

import java.lang.foreign.MemorySegment;

/**
 * A named tensor in host memory, dense and row-major, little-endian.
 *
 * @param name  its name in the checkpoint, for messages
 * @param dtype element type
 * @param shape dimensions, outermost first
 * @param data  exactly {@code dtype.bytes(shape.elements())} bytes; usually a read-only mapping of the file, not necessarily aligned
 */
public record Tensor(String name, DType dtype, Shape shape, MemorySegment data) {
    /** @throws IllegalArgumentException if {@code data} is not of the size that dtype and shape say */
    public Tensor {
        long expected = dtype.bytes(shape.elements());
        if (data.byteSize() != expected) {
            throw new IllegalArgumentException(
                    "tensor " + name + " " + dtype + shape + " needs " + expected + " bytes, has " + data.byteSize());
        }
    }
}
