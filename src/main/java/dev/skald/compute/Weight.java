package dev.skald.compute;

import dev.skald.tensor.DType;

/** A weight as its device packed it: {@code [rows, cols]}. Opaque; lives as long as the device. */
public interface Weight {
    /** The type it has in the checkpoint. */
    DType dtype();

    int rows();

    int cols();

    /** Bytes of device memory it takes (0 if it is read from the mapped file). */
    long bytes();
}
