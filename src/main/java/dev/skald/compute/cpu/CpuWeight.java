package dev.skald.compute.cpu;

import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import dev.skald.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * A packed weight that is no {@link CpuLinearWeight}.
 *
 * @param role   decides the layout: EMBEDDING as in the file; VECTOR and ROPE_TABLE dense f32
 * @param dtype  the type it has in the checkpoint
 * @param bytes  device memory that it takes; 0 if {@code memory} is the mapped file
 * @param memory kept here so that it stays mapped as long as the weight is in use
 */
record CpuWeight(WeightRole role, DType dtype, int rows, int cols, long bytes, MemorySegment memory) implements Weight {
    /** @throws IllegalArgumentException if it was packed by another device, or for another role */
    static CpuWeight of(Weight weight, WeightRole role) {
        if (weight instanceof CpuLinearWeight) throw new IllegalArgumentException("a weight packed as LINEAR, used as " + role);
        if (!(weight instanceof CpuWeight packed)) throw new IllegalArgumentException("a weight of another device: " + weight.getClass());
        if (packed.role != role) throw new IllegalArgumentException("a weight packed as " + packed.role + ", used as " + role);
        return packed;
    }

    long address() {
        return memory.address();
    }
}
