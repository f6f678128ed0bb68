package dev.skald.compute.cuda;

import dev.skald.compute.BatchLimits;
import dev.skald.compute.RowSet;
import dev.skald.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.Locale;
import java.util.Optional;
import jcuda.driver.CUfunction;
import jcuda.driver.CUstream;

/**
 * Chooses who multiplies: our own kernels, whose results for a row depend on nothing but the row, or cuBLAS where it is there, a step has many
 * rows and the weight is not quantised. In batch-invariant mode there is no cuBLAS.
 */
final class CudaLinear implements AutoCloseable {
    /** Beyond so many rows a product is bound by arithmetic, and cuBLAS knows the card better. */
    static final int OWN_ROWS = 64;

    private static final int[] TILES = {1, 2, 4, 8};
    private static final int TILE_ROWS = 8;
    private static final int TENSOR_OUTPUTS = 16;
    private static final int F32_ROWS = 8;
    private static final int F32_OUTPUTS = Kernels.BLOCK / 32;

    private final Kernels kernels;
    private final Optional<Cublas> cublas;
    private final CUstream stream;
    private final CUfunction f32One;
    private final CUfunction f32Many;
    private final CUfunction[] f16 = new CUfunction[TILES.length];
    private final CUfunction[] bf16 = new CUfunction[TILES.length];
    private final CUfunction narrow;
    private final CUfunction addBias;
    private final CudaQuantisedLinear quantised;
    private int widest16;
    /** Activations in 16 bits, for cuBLAS: [rows, widest input]; 0 if never needed. */
    private long narrowed;

    CudaLinear(Kernels kernels, Optional<Cublas> cublas, CUstream stream) {
        this.kernels = kernels;
        this.cublas = cublas;
        this.stream = stream;
        f32One = kernels.function("skald_linear_f32_1");
        f32Many = kernels.function("skald_linear_f32_" + F32_ROWS);
        for (int i = 0; i < TILES.length; i++) {
            f16[i] = kernels.function("skald_linear_" + DType.F16.name().toLowerCase(Locale.ROOT) + "_" + TILES[i]);
            bf16[i] = kernels.function("skald_linear_" + DType.BF16.name().toLowerCase(Locale.ROOT) + "_" + TILES[i]);
        }
        narrow = kernels.function("skald_narrow");
        addBias = kernels.function("skald_add_bias");
        quantised = new CudaQuantisedLinear(kernels, stream);
    }

    void expect(CudaLinearWeight weight) {
        for (CudaLinearWeight.Section section : weight.sections()) {
            if (section.layout().quantised()) quantised.expect(section);
            else if (section.layout() != DType.F32) widest16 = Math.max(widest16, section.cols());
        }
    }

    void start(CudaMemory memory, BatchLimits limits) {
        int rows = Math.max(limits.maxTokens(), limits.maxLogitRows());
        quantised.start(memory, rows);
        if (cublas.isPresent() && rows > OWN_ROWS && widest16 > 0) {
            narrowed = memory.allocate(DType.BF16.bytes((long) rows * widest16), "activations in 16 bits").value();
        }
    }

    /** @param used rows, of those that {@code rows} names @param bias address, or 0 */
    void run(MemorySegment step, RowSet rows, int used, CudaLinearWeight weight, CudaBuffer in, long bias, CudaBuffer out) {
        int logitRows = rows == RowSet.LOGIT_ROWS ? 1 : 0;
        quantised.begin(step, logitRows, used, in);
        for (CudaLinearWeight.Section section : weight.sections()) {
            long first = (long) Float.BYTES * section.firstRow();
            long to = out.address() + first;
            long add = bias == 0 ? 0 : bias + first;
            if (section.layout().quantised()) quantised.run(section, add, to, out.stride());
            else if (cublas.isPresent() && used > OWN_ROWS) runCublas(step, logitRows, used, section, in, add, to, out.stride());
            else runOwn(step, logitRows, used, section, in, add, to, out.stride());
        }
    }

    private void runOwn(MemorySegment step, int logitRows, int used, CudaLinearWeight.Section weight, CudaBuffer in, long bias, long out, int outStride) {
        Arguments arguments = kernels.arguments().begin(step).put(in.address()).put(weight.address()).put(bias).put(out);
        arguments.put(logitRows).put(weight.cols()).put(weight.rows()).put(in.stride()).put(weight.stride()).put(outStride);
        switch (weight.layout()) {
            case F32 -> {
                int each = used == 1 ? 1 : F32_ROWS;
                kernels.launch(used == 1 ? f32One : f32Many, Math.ceilDiv(weight.rows(), F32_OUTPUTS), Math.ceilDiv(used, each), 1, 0, stream);
            }
            case F16 -> runTensor(f16, used, weight.rows());
            case BF16 -> runTensor(bf16, used, weight.rows());
            default -> throw new IllegalStateException("no weight is packed as " + weight.layout());
        }
    }

    /** The fewest tiles that hold all rows: each kernel gives the same bits, but the larger ones need more registers. */
    private void runTensor(CUfunction[] functions, int used, int outputs) {
        int size = 0;
        while (size < TILES.length - 1 && TILES[size] * TILE_ROWS < used) size++;
        kernels.launch(functions[size], Math.ceilDiv(outputs, TENSOR_OUTPUTS), Math.ceilDiv(used, TILES[size] * TILE_ROWS), 1, 0, stream);
    }

    private void runCublas(MemorySegment step, int logitRows, int used, CudaLinearWeight.Section weight, CudaBuffer in, long bias, long out, int outStride) {
        long from = in.address();
        int stride = in.stride();
        if (weight.layout() != DType.F32) {
            from = narrowed;
            stride = weight.cols();
            kernels.arguments().begin(step).put(in.address()).put(narrowed);
            kernels.arguments().put(logitRows).put(weight.cols()).put(in.stride()).put(CudaWeight.typeNumber(weight.layout()));
            kernels.launch(narrow, used, Math.ceilDiv(weight.cols(), Kernels.BLOCK), 1, 0, stream);
        }
        cublas.orElseThrow().multiply(weight, used, from, stride, out, outStride);
        if (bias == 0) return;
        kernels.arguments().begin(step).put(out).put(bias).put(logitRows).put(weight.rows()).put(outStride).put(0);
        kernels.launch(addBias, used, Math.ceilDiv(weight.rows(), Kernels.BLOCK), 1, 0, stream);
    }

    @Override
    public void close() {
        cublas.ifPresent(Cublas::close);
    }
}
