package dev.skald.compute.cuda;

import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import dev.skald.tensor.DType;

/**
 * [rows, cols] in device memory, row-major.
 *
 * @param dtype  the type it has in the checkpoint
 * @param stored the type it has on the device
 * @param stride elements from row to row; after {@code cols} come zeros
 * @param bytes  device memory
 */
record CudaWeight(WeightRole role, DType dtype, DType stored, int rows, int cols, int stride, long bytes, long address) implements Weight {
    /** @throws IllegalArgumentException if another device packed it, or for another role */
    static CudaWeight of(Weight weight, WeightRole role) {
        if (!(weight instanceof CudaWeight cuda)) throw new IllegalArgumentException("a weight of another device: " + weight.getClass());
        if (cuda.role != role) throw new IllegalArgumentException("a weight packed as " + cuda.role + " is used as " + role);
        return cuda;
    }

    /** The number by which kernels know an element type. @throws IllegalArgumentException if there are none for it */
    static int typeNumber(DType dtype) {
        return switch (dtype) {
            case F32 -> 0;
            case F16 -> 1;
            case BF16 -> 2;
            default -> throw new IllegalArgumentException("the CUDA kernels have no " + dtype + " yet");
        };
    }
}
