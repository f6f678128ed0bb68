package dev.skald.tensor;

/** Device memory for activations: {@code [rows, cols]}, dense, row-major. Only the device that made it can read it. */
public interface Buffer {
    DType dtype();

    /** Capacity in rows; how many are in use is in the batch. */
    int rows();

    int cols();
}
