package dev.skald.convert;

import dev.skald.quantize.Quantiser;
import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Brings tensors into another type, some rows at a time, through a buffer of bounded size. One thread, which the quantiser's workers help. */
final class TensorStream implements AutoCloseable {
    /** Of a converted stretch, unless one row or one head takes more. */
    private static final long STRETCH_BYTES = 16 << 20;

    /** Takes the converted bytes in order. */
    interface Sink {
        void append(MemorySegment bytes) throws IOException;
    }

    private final Quantiser quantiser;
    private final Sink sink;
    private final Arena arena = Arena.ofShared();
    private MemorySegment converted = MemorySegment.NULL;
    private MemorySegment reordered = MemorySegment.NULL;

    TensorStream(Quantiser quantiser, Sink sink) {
        this.quantiser = quantiser;
        this.sink = sink;
    }

    /**
     * @param tensor  [rows, cols] or [n]
     * @param headDim 0: rows stay in order; else their number is a multiple of it, and within each head the rows i and i + headDim / 2, which
     *                rotary embedding turns together, become neighbours
     */
    void convert(Tensor tensor, DType type, int headDim) throws IOException {
        long rows = tensor.shape().dim(0);
        long cols = tensor.shape().rank() == 1 ? 1 : tensor.shape().dim(1);
        if (headDim == 0 && tensor.shape().rank() == 1) {
            cols = rows;
            rows = 1;
        }
        long rowBytes = type.bytes(cols);
        int unit = Math.max(1, headDim);
        long stretch = Math.clamp(STRETCH_BYTES / rowBytes / unit, 1, rows) * unit;
        for (long first = 0; first < rows; first += stretch) {
            long count = Math.min(stretch, rows - first);
            converted = atLeast(converted, count * rowBytes);
            MemorySegment out = converted.asSlice(0, count * rowBytes);
            quantiser.convert(rows(tensor, first, count, cols), type, out);
            sink.append(headDim == 0 ? out : pairs(out, rowBytes, count, headDim));
        }
    }

    private static Tensor rows(Tensor tensor, long first, long count, long cols) {
        long rowBytes = tensor.dtype().bytes(cols);
        return new Tensor(tensor.name(), tensor.dtype(), Shape.of(count, cols), tensor.data().asSlice(first * rowBytes, count * rowBytes));
    }

    private MemorySegment pairs(MemorySegment halves, long rowBytes, long count, int headDim) {
        reordered = atLeast(reordered, halves.byteSize());
        for (long row = 0; row < count; row++) {
            long inHead = row % headDim;
            long from = row - inHead + inHead / 2 + inHead % 2 * (headDim / 2);
            MemorySegment.copy(halves, from * rowBytes, reordered, row * rowBytes, rowBytes);
        }
        return reordered.asSlice(0, halves.byteSize());
    }

    private MemorySegment atLeast(MemorySegment buffer, long bytes) {
        return buffer.byteSize() >= bytes ? buffer : arena.allocate(bytes, 64);
    }

    @Override
    public void close() {
        arena.close();
    }
}
