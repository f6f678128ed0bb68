package dev.skald.compute.reference;

import dev.skald.compute.BufferAccess;
import dev.skald.tensor.Buffer;
import java.util.Arrays;

/** Opens the reference device's buffers to checks. Without state. */
public final class ReferenceProbe implements BufferAccess {
    @Override
    public void write(Buffer buffer, int row, float... values) {
        if (values.length != buffer.cols()) throw new IllegalArgumentException(values.length + " values for " + buffer.cols());
        HeapBuffer heap = HeapBuffer.of(buffer);
        System.arraycopy(values, 0, heap.data(), heap.row(row), values.length);
    }

    @Override
    public float[] read(Buffer buffer, int row) {
        HeapBuffer heap = HeapBuffer.of(buffer);
        return Arrays.copyOfRange(heap.data(), heap.row(row), heap.row(row) + heap.cols());
    }
}
