package dev.skald.model;

import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/** In which order a checkpoint holds the rows of a head in q and k: rotary embedding turns pairs of them. */
public enum HeadRows {
    /** The first elements of all pairs, then the second ones: row i turns with row i + headDim / 2. What the kernels expect. */
    HALVES,
    /** Row 2i turns with row 2i + 1: GGUF's order for Llama. */
    PAIRS;

    /**
     * Reorders a tensor from PAIRS to HALVES without touching a byte: each row becomes a tensor of its own, in place, to be stacked by the
     * device. Rows are whole blocks, so quantised ones are moved as they are.
     *
     * @param tensor {@code [heads · headDim, cols]}, or a bias {@code [heads · headDim]}
     * @return {@code [1, cols]} (or {@code [1]}) for each row, in the new order, of the same name
     */
    static Stream<Tensor> halves(Tensor tensor, int headDim) {
        DType dtype = tensor.dtype();
        List<Long> dims = new ArrayList<>(tensor.shape().dims());
        dims.set(0, 1L);
        Shape rowShape = new Shape(dims);
        long rowBytes = dtype.bytes(rowShape.elements());
        int half = headDim / 2;
        return LongStream.range(0, tensor.shape().dim(0)).mapToObj(row -> {
            long head = row / headDim;
            long inHead = row % headDim;
            long from = head * headDim + 2 * (inHead % half) + inHead / half;
            return new Tensor(tensor.name(), dtype, rowShape, tensor.data().asSlice(from * rowBytes, rowBytes));
        });
    }
}
