package dev.skald.compute.cpu;

import dev.skald.compute.WeightRole;
import dev.skald.tensor.DType;
import dev.skald.tensor.Elements;
import dev.skald.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** Checks parts of a weight against each other, and lays those out that aren't made of panels. */
final class Packing {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

    private Packing() {}

    /** Rows of the stacked parts, after {@link #cols} has checked them; a vector's parts are joined into one row. */
    static int rows(WeightRole role, List<Tensor> parts) {
        if (role == WeightRole.VECTOR) return 1;
        return Math.toIntExact(parts.stream().mapToLong(part -> part.shape().dim(0)).sum());
    }

    /** @throws IllegalArgumentException if the parts' types (but for a linear weight), ranks or columns don't match */
    static int cols(WeightRole role, List<Tensor> parts) {
        boolean vector = role == WeightRole.VECTOR;
        boolean mixed = role == WeightRole.LINEAR;
        Tensor first = parts.getFirst();
        for (Tensor part : parts) {
            boolean matches = part.shape().rank() == (vector ? 1 : 2)
                    && (mixed || part.dtype() == first.dtype())
                    && part.dtype() != DType.I32
                    && (vector || part.shape().dim(1) == first.shape().dim(1));
            if (!matches) {
                throw new IllegalArgumentException(part.name() + " " + part.dtype() + part.shape() + " can't be packed as " + role + " with "
                        + first.name() + " " + first.dtype() + first.shape());
            }
        }
        return Math.toIntExact(vector ? parts.stream().mapToLong(part -> part.shape().dim(0)).sum() : first.shape().dim(1));
    }

    /** Joins the parts' bytes. */
    static void copy(List<Tensor> parts, MemorySegment to) {
        long at = 0;
        for (Tensor part : parts) {
            MemorySegment.copy(part.data(), 0, to, at, part.data().byteSize());
            at += part.data().byteSize();
        }
    }

    /** Joins the parts' elements as f32. */
    static void widen(List<Tensor> parts, MemorySegment to) {
        long at = 0;
        for (Tensor part : parts) {
            for (long i = 0; i < part.shape().elements(); i++, at += 4) to.set(FLOAT, at, Elements.get(part.dtype(), part.data(), i));
        }
    }
}
