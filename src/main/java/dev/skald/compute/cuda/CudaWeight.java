package dev.skald.compute.cuda;

import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import dev.skald.tensor.DType;

/**
 * [rows, cols] in device memory, row-major and dense: any weight but a {@link CudaLinearWeight}.
 *
 * @param dtype  the type it has in the checkpoint
 * @param stored the type it has on the device
 * @param bytes  device memory
 */
record CudaWeight(WeightRole role, DType dtype, DType stored, int rows, int cols, long bytes, long address) implements Weight {
    /** @throws IllegalArgumentException if another device packed it, or for another role */
    static CudaWeight of(Weight weight, WeightRole role) {
        if (weight instanceof CudaLinearWeight) throw new IllegalArgumentException("a weight packed as LINEAR is used as " + role);
        if (!(weight instanceof CudaWeight cuda)) throw new IllegalArgumentException("a weight of another device: " + weight.getClass());
        if (cuda.role != role) throw new IllegalArgumentException("a weight packed as " + cuda.role + " is used as " + role);
        return cuda;
    }

    /** The number by which kernels know an element's type. @throws IllegalArgumentException if they have none for it */
    static int typeNumber(DType dtype) {
        return switch (dtype) {
            case F32 -> 0;
            case F16 -> 1;
            case BF16 -> 2;
            default -> throw new IllegalArgumentException("the CUDA kernels have no elements of " + dtype);
        };
    }

    /** The number by which the kernel that looks up rows knows a table's type. @throws IllegalArgumentException if it has none for it */
    static int tableTypeNumber(DType dtype) {
        return switch (dtype) {
            case F32, F16, BF16, I32 -> typeNumber(dtype);
            case Q4_0 -> 3;
            case Q4_1 -> 4;
            case Q5_0 -> 5;
            case Q5_1 -> 6;
            case Q8_0 -> 7;
            case IQ4_NL -> 8;
            case Q2_K -> 9;
            case Q3_K -> 10;
            case Q4_K -> 11;
            case Q5_K -> 12;
            case Q6_K -> 13;
        };
    }
}
