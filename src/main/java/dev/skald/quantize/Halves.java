package dev.skald.quantize;

import dev.skald.tensor.DType;
import dev.skald.tensor.Elements;
import dev.skald.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** Stretches of a tensor as F32, F16 or BF16, each number rounded by itself. Owned by one worker. */
final class Halves {
    static final int STRETCH = 8192;

    private final SourceRows source;
    private final String name;
    private final float[] values = new float[STRETCH];

    Halves(Tensor source) {
        this.source = new SourceRows(source, STRETCH);
        name = source.name();
    }

    /** @throws QuantisationException if a finite number would become infinite */
    void convert(long first, int count, DType type, MemorySegment target) {
        source.read(first, count, values);
        for (int i = 0; i < count; i++) {
            Elements.set(type, target, first + i, values[i]);
            if (Float.isFinite(values[i]) && !Float.isFinite(Elements.round(type, values[i]))) {
                throw new QuantisationException("tensor " + name + " holds " + values[i] + ", which " + type + " can't represent");
            }
        }
    }
}
