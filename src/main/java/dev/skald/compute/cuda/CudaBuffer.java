package dev.skald.compute.cuda;

import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;

/**
 * [rows, cols] f32 in device memory.
 *
 * @param stride elements from row to row: a multiple of 4, so that rows can be read 16 bytes at a time
 */
record CudaBuffer(int rows, int cols, int stride, long address) implements Buffer {
    static int stride(int cols) {
        return Math.ceilDiv(cols, 4) * 4;
    }

    /** @throws IllegalArgumentException if another device made it, or it has not these columns, or too few rows */
    static CudaBuffer of(Buffer buffer, int cols, int rows) {
        if (!(buffer instanceof CudaBuffer cuda)) throw new IllegalArgumentException("a buffer of another device: " + buffer.getClass());
        if (cuda.cols != cols) throw new IllegalArgumentException("a buffer has " + cuda.cols + " columns, not " + cols);
        if (cuda.rows < rows) throw new IllegalArgumentException("a buffer of " + cuda.rows + " rows can't hold " + rows);
        return cuda;
    }

    @Override
    public DType dtype() {
        return DType.F32;
    }
}
