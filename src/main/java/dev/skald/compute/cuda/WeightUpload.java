package dev.skald.compute.cuda;

import static dev.skald.compute.cuda.Driver.check;

import dev.skald.compute.WeightRole;
import dev.skald.tensor.DType;
import dev.skald.tensor.Elements;
import dev.skald.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;

/**
 * Brings host tensors to the device through two pieces of pinned memory: while one is copied by the device, the other is filled; large ones that
 * lie as the device wants them through a {@link PinnedRing}. Used by the loader only, and given back when the device starts.
 */
final class WeightUpload implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(WeightUpload.class.getName());
    private static final int PIECES = 2;
    private static final long PIECE_BYTES = 8 << 20;
    /** A row of a projection takes a multiple of this, zeros at its end: kernels read 32 columns at a time. */
    private static final int ROW_ELEMENTS = 32;

    private final CudaMemory memory;
    private final CUstream stream;
    private final MemorySegment[] pieces = new MemorySegment[PIECES];
    private final CUevent[] copied = new CUevent[PIECES];
    private final long begunNanos = System.nanoTime();
    private long sent;
    /** Made for the first tensor that is large. */
    private Optional<PinnedRing> ring = Optional.empty();
    private int piece;
    private long filled;
    private long target;

    WeightUpload(CudaMemory memory, CUstream stream) {
        this.memory = memory;
        this.stream = stream;
        for (int i = 0; i < PIECES; i++) {
            pieces[i] = memory.pinned(PIECE_BYTES);
            copied[i] = new CUevent();
            check("cuEventCreate", JCudaDriver.cuEventCreate(copied[i], CUevent_flags.CU_EVENT_DISABLE_TIMING));
        }
    }

    /** See {@link dev.skald.compute.Device#packedBytes}. */
    static long bytes(WeightRole role, DType dtype, int rows, int cols) {
        if (role == WeightRole.LINEAR && dtype.quantised()) return QuantFragments.bytes(dtype, rows, cols);
        return stored(role, dtype).bytes(Math.multiplyExact((long) rows, stride(role, cols)));
    }

    private static DType stored(WeightRole role, DType dtype) {
        return role == WeightRole.VECTOR || role == WeightRole.ROPE_TABLE ? DType.F32 : dtype;
    }

    private static long stride(WeightRole role, long cols) {
        return role == WeightRole.LINEAR ? Math.ceilDiv(cols, ROW_ELEMENTS) * ROW_ELEMENTS : cols;
    }

    /** See {@link dev.skald.compute.Device#pack}; for any role but LINEAR. */
    CudaWeight pack(WeightRole role, List<Tensor> parts) {
        Tensor first = parts.getFirst();
        boolean vector = role == WeightRole.VECTOR;
        same(role, parts);
        DType stored = stored(role, first.dtype());
        CudaWeight.tableTypeNumber(stored);
        int rows = vector ? 1 : rows(parts);
        int cols = Math.toIntExact(vector ? parts.stream().mapToLong(part -> part.shape().dim(0)).sum() : first.shape().dim(1));
        long bytes = stored.bytes(Math.multiplyExact((long) rows, cols));
        target = memory.allocate(bytes, first.name()).value();
        CudaWeight weight = new CudaWeight(role, first.dtype(), stored, rows, cols, bytes, target);
        for (Tensor part : parts) send(part, stored, vector ? part.shape().dim(0) : cols, vector ? part.shape().dim(0) : cols);
        flush();
        return weight;
    }

    /** See {@link dev.skald.compute.Device#pack}: neighbours of one type become a section. */
    CudaLinearWeight packLinear(List<Tensor> parts) {
        same(WeightRole.LINEAR, parts);
        List<CudaLinearWeight.Section> sections = new ArrayList<>();
        int row = 0;
        for (int first = 0, end; first < parts.size(); first = end) {
            DType type = parts.get(first).dtype();
            for (end = first + 1; end < parts.size() && parts.get(end).dtype() == type; ) end++;
            CudaLinearWeight.Section section = packSection(parts.subList(first, end), row);
            sections.add(section);
            row += section.rows();
        }
        Tensor first = parts.getFirst();
        return new CudaLinearWeight(first.dtype(), row, Math.toIntExact(first.shape().dim(1)), sections);
    }

    /** Parts of one type. */
    private CudaLinearWeight.Section packSection(List<Tensor> parts, int firstRow) {
        Tensor first = parts.getFirst();
        DType type = first.dtype();
        int rows = rows(parts);
        int cols = Math.toIntExact(first.shape().dim(1));
        long bytes = bytes(WeightRole.LINEAR, type, rows, cols);
        target = memory.allocate(bytes, first.name()).value();
        if (type.quantised()) {
            DType layout = QuantFragments.layout(type);
            int panelBytes = QuantFragments.panelBytes(layout, cols);
            CudaLinearWeight.Section section = new CudaLinearWeight.Section(layout, firstRow, rows, cols, panelBytes, bytes, target);
            sendPanels(type, QuantFragments.rows(parts), cols, panelBytes);
            return section;
        }
        CudaWeight.typeNumber(type);
        int stride = Math.toIntExact(stride(WeightRole.LINEAR, cols));
        CudaLinearWeight.Section section = new CudaLinearWeight.Section(type, firstRow, rows, cols, stride, bytes, target);
        for (Tensor part : parts) send(part, type, cols, stride);
        flush();
        return section;
    }

    /** As many panels at a time as a piece holds; the machine's processors share the work of putting them in order. */
    private void sendPanels(DType type, List<MemorySegment> rows, int cols, int panelBytes) {
        int panels = QuantFragments.panels(rows.size());
        int atOnce = Math.toIntExact(PIECE_BYTES / panelBytes);
        if (atOnce == 0) throw new IllegalArgumentException("rows of " + cols + " columns are too long to be brought to the device");
        for (int first = 0; first < panels; first += atOnce) {
            int count = Math.min(atOnce, panels - first);
            int from = first;
            MemorySegment to = pieces[piece].asSlice(0, (long) count * panelBytes).fill((byte) 0);
            IntStream.range(0, count).parallel().forEach(p -> {
                int row = (from + p) * QuantFragments.ROWS;
                List<MemorySegment> some = rows.subList(row, Math.min(row + QuantFragments.ROWS, rows.size()));
                QuantFragments.pack(type, some, cols, to.asSlice((long) p * panelBytes, panelBytes));
            });
            filled = to.byteSize();
            flush();
        }
    }

    private static int rows(List<Tensor> parts) {
        return Math.toIntExact(parts.stream().mapToLong(part -> part.shape().dim(0)).sum());
    }

    /** @throws IllegalArgumentException if the parts' types (but for a linear weight), ranks or columns don't match */
    private static void same(WeightRole role, List<Tensor> parts) {
        Tensor first = parts.getFirst();
        boolean vector = role == WeightRole.VECTOR;
        for (Tensor part : parts) {
            boolean fits = (role == WeightRole.LINEAR || part.dtype() == first.dtype())
                    && part.shape().rank() == (vector ? 1 : 2)
                    && (vector || part.shape().dim(1) == first.shape().dim(1));
            if (!fits) {
                throw new IllegalArgumentException(part.name() + " " + part.dtype() + part.shape() + " can't be packed as " + role + " with "
                        + first.name() + " " + first.dtype() + first.shape());
            }
        }
    }

    /** @param width elements of a part's row in the file @param rowElements elements of a part's row on the device */
    private void send(Tensor part, DType stored, long width, long rowElements) {
        boolean asItIs = stored == part.dtype();
        long rows = part.shape().elements() / width;
        if (asItIs && width == rowElements) {
            sendBytes(part.data());
            return;
        }
        byte[] row = new byte[Math.toIntExact(stored.bytes(rowElements))];
        MemorySegment to = MemorySegment.ofArray(row);
        for (long r = 0; r < rows; r++) {
            if (asItIs) MemorySegment.copy(part.data(), stored.bytes(r * width), to, 0, stored.bytes(width));
            else for (long i = 0; i < width; i++) Elements.set(stored, to, i, Elements.get(part.dtype(), part.data(), r * width + i));
            sendBytes(to);
        }
    }

    private void sendBytes(MemorySegment from) {
        if (from.byteSize() >= PIECE_BYTES) {
            flush();
            if (ring.isEmpty()) ring = Optional.of(new PinnedRing(memory, stream));
            ring.get().send(from, target);
            target += from.byteSize();
            sent += from.byteSize();
            return;
        }
        for (long at = 0; at < from.byteSize(); ) {
            long n = Math.min(from.byteSize() - at, PIECE_BYTES - filled);
            MemorySegment.copy(from, at, pieces[piece], filled, n);
            at += n;
            filled += n;
            if (filled == PIECE_BYTES) flush();
        }
    }

    /** Enqueues the copy of what is filled, and waits until the other piece can be. */
    private void flush() {
        if (filled == 0) return;
        check("cuMemcpyHtoDAsync",
                JCudaDriver.cuMemcpyHtoDAsync(new DeviceAddress(target), new Address(pieces[piece].address()), filled, stream));
        check("cuEventRecord", JCudaDriver.cuEventRecord(copied[piece], stream));
        target += filled;
        sent += filled;
        filled = 0;
        piece = (piece + 1) % PIECES;
        check("cuEventSynchronize", JCudaDriver.cuEventSynchronize(copied[piece]));
    }

    /** Waits for what is under way. */
    @Override
    public void close() {
        check("cuStreamSynchronize", JCudaDriver.cuStreamSynchronize(stream));
        ring.ifPresent(PinnedRing::close);
        double seconds = (System.nanoTime() - begunNanos) * 1e-9;
        if (seconds >= 1) {
            LOG.log(System.Logger.Level.INFO, String.format(
                    Locale.ROOT, "%.2f GB of weights are on the GPU after %.1f s: %.2f GB/s", sent * 1e-9, seconds, sent * 1e-9 / seconds));
        }
        for (int i = 0; i < PIECES; i++) {
            memory.freePinned(pieces[i]);
            JCudaDriver.cuEventDestroy(copied[i]);
        }
    }
}
