package dev.skald.compute.cuda;

import dev.skald.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import jcuda.driver.CUfunction;
import jcuda.driver.CUstream;

/**
 * Products with quantised weights: activations are rounded once for a product, then one of four kernels of the weight's layout multiplies, by the
 * number of rows. All give the same bits, those of {@code QuantisedLinearReference}, so nothing else can be told of the choice but the time.
 */
final class CudaQuantisedLinear {
    /** A kernel for each, by rows that one of its blocks takes and panels of outputs. */
    private enum Shape {
        FEW_1("few_1", 8, 1),
        FEW_2("few_2", 16, 1),
        MANY_1("many_1", 64, 1),
        MANY_2("many_2", 128, 2);

        final String suffix;
        final int rows;
        final int panels;

        Shape(String suffix, int rows, int panels) {
            this.suffix = suffix;
            this.rows = rows;
            this.panels = panels;
        }

        static Shape of(int rows) {
            for (Shape shape : VALUES) if (rows <= shape.rows) return shape;
            return MANY_2;
        }

        private static final Shape[] VALUES = values();
    }

    private static final int SMALL_BLOCK = 32;
    /** Columns that a block of threads rounds. */
    private static final int ROUND_COLUMNS = 8 * Kernels.BLOCK;

    private final Kernels kernels;
    private final CUstream stream;
    private final CUfunction roundSmall;
    private final CUfunction roundLarge;
    private final Map<DType, CUfunction[]> functions = new EnumMap<>(DType.class);
    private int widest;
    /** Rounded activations, [rows, {@link QuantFragments#recordsBytes}] bytes; 0 if never needed. */
    private long records;

    private MemorySegment step = MemorySegment.NULL;
    private int logitRows;
    private int used;
    private long in;
    private int inStride;
    /** Elements under a scale, of what is rounded; 0: nothing yet. */
    private int rounded;

    CudaQuantisedLinear(Kernels kernels, CUstream stream) {
        this.kernels = kernels;
        this.stream = stream;
        roundSmall = kernels.function("skald_round_rows_32");
        roundLarge = kernels.function("skald_round_rows_256");
        for (DType layout : QuantFragments.LAYOUTS) {
            CUfunction[] all = new CUfunction[Shape.VALUES.length];
            for (Shape shape : Shape.VALUES) {
                all[shape.ordinal()] = kernels.function("skald_linear_" + layout.name().toLowerCase(Locale.ROOT) + "_" + shape.suffix);
            }
            functions.put(layout, all);
        }
    }

    void expect(CudaLinearWeight.Section section) {
        widest = Math.max(widest, section.cols());
    }

    /** @param rows the most that a step has */
    void start(CudaMemory memory, int rows) {
        if (widest > 0) records = memory.allocate((long) rows * QuantFragments.recordsBytes(widest), "rounded activations").value();
    }

    /** What the following sections multiply. @param logitRows 1: the rows are those whose logits are wanted */
    void begin(MemorySegment step, int logitRows, int used, CudaBuffer in) {
        this.step = step;
        this.logitRows = logitRows;
        this.used = used;
        this.in = in.address();
        inStride = in.stride();
        rounded = 0;
    }

    /** @param bias address of the section's own, or 0 @param out address of the section's first output */
    void run(CudaLinearWeight.Section weight, long bias, long out, int outStride) {
        round(weight);
        Shape shape = Shape.of(used);
        Arguments arguments = kernels.arguments().begin(step).put(records).put(weight.address()).put(bias).put(out);
        arguments.put(logitRows).put(weight.cols()).put(weight.rows()).put(QuantFragments.recordsBytes(weight.cols())).put(weight.stride()).put(outStride);
        int outputs = Math.ceilDiv(weight.rows(), QuantFragments.ROWS * shape.panels);
        kernels.launch(functions.get(weight.layout())[shape.ordinal()], outputs, Math.ceilDiv(used, shape.rows), 1, 0, stream);
    }

    private void round(CudaLinearWeight.Section weight) {
        int block = weight.layout().blockElements();
        if (rounded == block) return;
        rounded = block;
        kernels.arguments().begin(step).put(in).put(records);
        kernels.arguments().put(logitRows).put(weight.cols()).put(inStride).put(QuantFragments.recordsBytes(weight.cols()));
        kernels.launch(block == SMALL_BLOCK ? roundSmall : roundLarge, Math.ceilDiv(weight.cols(), ROUND_COLUMNS), used, 1, 0, stream);
    }
}
