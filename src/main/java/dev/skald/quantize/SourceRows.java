package dev.skald.quantize;

import dev.skald.tensor.Blocks;
import dev.skald.tensor.DType;
import dev.skald.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Reads stretches of a tensor of any type as floats. Owned by one worker. */
final class SourceRows {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Tensor tensor;
    private final short[] halves;

    SourceRows(Tensor tensor, int most) {
        this.tensor = tensor;
        halves = new short[tensor.dtype() == DType.F16 || tensor.dtype() == DType.BF16 ? most : 0];
    }

    /** @param to [0, count) is written */
    void read(long first, int count, float[] to) {
        MemorySegment data = tensor.data();
        switch (tensor.dtype()) {
            case F32 -> MemorySegment.copy(data, FLOAT, 4 * first, to, 0, count);
            case F16 -> {
                MemorySegment.copy(data, SHORT, 2 * first, halves, 0, count);
                widenF16(halves, to, count);
            }
            case BF16 -> {
                MemorySegment.copy(data, SHORT, 2 * first, halves, 0, count);
                widenBf16(halves, to, count);
            }
            case Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K -> {
                float[] some = new float[count];
                Blocks.dequantise(tensor.dtype(), data, first, some);
                System.arraycopy(some, 0, to, 0, count);
            }
            case I32 -> throw new QuantisationException("tensor " + tensor.name() + " holds integers, which can't be quantised");
        }
    }

    QuantisationException refuse(float least, float greatest) {
        return new QuantisationException("tensor " + tensor.name() + " can't be quantised: it holds numbers from " + least + " to " + greatest);
    }


    private static void widenF16(short[] from, float[] to, int count) {
        for (int i = 0; i < count; i++) to[i] = Float.float16ToFloat(from[i]);
    }

    private static void widenBf16(short[] from, float[] to, int count) {
        for (int i = 0; i < count; i++) to[i] = Float.intBitsToFloat(from[i] << 16);
    }
}
