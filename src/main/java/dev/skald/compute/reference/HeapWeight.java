package dev.skald.compute.reference;

import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import dev.skald.tensor.Blocks;
import dev.skald.tensor.DType;
import dev.skald.tensor.Tensor;
import java.util.List;

/**
 * A weight widened exactly to f32: [rows, cols], row-major.
 *
 * @param dtype the type it has in the checkpoint
 */
record HeapWeight(DType dtype, int rows, int cols, float[] data) implements Weight {
    /** Stacks parts of equal columns (and type, unless they are of a linear weight) by rows; 1-D parts are joined into one row. */
    static HeapWeight pack(WeightRole role, List<Tensor> parts) {
        Tensor first = parts.getFirst();
        boolean vector = role == WeightRole.VECTOR;
        long rows = 0;
        long cols = vector ? 0 : first.shape().dim(1);
        for (Tensor part : parts) {
            if (part.shape().rank() != (vector ? 1 : 2) || part.dtype() != first.dtype() && role != WeightRole.LINEAR) throw mismatch(role, part, first);
            if (vector) {
                cols += part.shape().dim(0);
            } else {
                if (part.shape().dim(1) != cols) throw mismatch(role, part, first);
                rows += part.shape().dim(0);
            }
        }
        if (vector) rows = 1;
        float[] data = new float[Math.toIntExact(Math.multiplyExact(rows, cols))];
        int at = 0;
        for (Tensor part : parts) {
            float[] values = new float[Math.toIntExact(part.shape().elements())];
            Blocks.dequantise(part.dtype(), part.data(), 0, values);
            System.arraycopy(values, 0, data, at, values.length);
            at += values.length;
        }
        return new HeapWeight(first.dtype(), Math.toIntExact(rows), Math.toIntExact(cols), data);
    }

    /** @throws IllegalArgumentException if it was packed by another device */
    static HeapWeight of(Weight weight) {
        if (weight instanceof HeapWeight heap) return heap;
        throw new IllegalArgumentException("a weight of another device: " + weight.getClass());
    }

    /** Index of a row's first element in {@link #data}. */
    int row(int r) {
        return r * cols;
    }

    @Override
    public long bytes() {
        return DType.F32.bytes(data.length);
    }

    private static IllegalArgumentException mismatch(WeightRole role, Tensor part, Tensor first) {
        return new IllegalArgumentException(part.name() + " " + part.dtype() + part.shape() + " can't be packed as " + role + " with "
                + first.name() + " " + first.dtype() + first.shape());
    }
}
