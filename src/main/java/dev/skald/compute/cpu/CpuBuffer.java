package dev.skald.compute.cpu;

import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * Activations in native memory: [rows, cols] f32, row-major, dense.
 *
 * @param memory rows · cols · 4 bytes
 */
record CpuBuffer(int rows, int cols, MemorySegment memory) implements Buffer {
    /** @throws IllegalArgumentException if it was made by another device */
    static CpuBuffer of(Buffer buffer) {
        if (buffer instanceof CpuBuffer ours) return ours;
        throw new IllegalArgumentException("a buffer of another device: " + buffer.getClass());
    }

    @Override
    public DType dtype() {
        return DType.F32;
    }

    long address() {
        return memory.address();
    }

    /** Bytes from one row to the next. */
    long stride() {
        return DType.F32.bytes(cols);
    }

    /** Offset of a row's first byte in {@link #memory}. */
    long offset(int row) {
        return stride() * row;
    }
}
