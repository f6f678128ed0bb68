package dev.skald.compute.reference;

import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import java.lang.foreign.MemorySegment;

/** An activation buffer: [rows, cols] f32, row-major, in one array. */
record HeapBuffer(int rows, int cols, float[] data) implements Buffer {
    static HeapBuffer allocate(int rows, int cols) {
        return new HeapBuffer(rows, cols, new float[Math.multiplyExact(rows, cols)]);
    }

    /** @throws IllegalArgumentException if it was made by another device */
    static HeapBuffer of(Buffer buffer) {
        if (buffer instanceof HeapBuffer heap) return heap;
        throw new IllegalArgumentException("a buffer of another device: " + buffer.getClass());
    }

    @Override
    public DType dtype() {
        return DType.F32;
    }

    /** Index of a row's first element in {@link #data}. */
    int row(int r) {
        return r * cols;
    }

    MemorySegment segment() {
        return MemorySegment.ofArray(data);
    }
}
