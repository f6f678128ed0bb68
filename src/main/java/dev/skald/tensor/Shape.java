package dev.skald.tensor;

import java.util.List;
import java.util.stream.Collectors;

/** Dimensions of a tensor, outermost first, row-major. An empty list is a scalar. */
public record Shape(List<Long> dims) {
    /** No model known has more; a bound keeps hostile headers small. */
    public static final int MAX_RANK = 8;

    /** @throws IllegalArgumentException for a negative dimension, a rank above {@link #MAX_RANK}, or more than 2⁶³ − 1 elements */
    public Shape {
        dims = List.copyOf(dims);
        if (dims.size() > MAX_RANK) throw new IllegalArgumentException("rank " + dims.size() + " exceeds " + MAX_RANK);
        long elements = 1;
        for (long d : dims) {
            if (d < 0) throw new IllegalArgumentException("negative dimension in " + dims);
            try {
                elements = Math.multiplyExact(elements, d);
            } catch (ArithmeticException e) {
                throw new IllegalArgumentException("too many elements in " + dims, e);
            }
        }
    }

    public static Shape of(long... dims) {
        return new Shape(java.util.Arrays.stream(dims).boxed().toList());
    }

    public int rank() {
        return dims.size();
    }

    public long dim(int axis) {
        return dims.get(axis);
    }

    public long elements() {
        long n = 1;
        for (long d : dims) n *= d;
        return n;
    }

    @Override
    public String toString() {
        return dims.stream().map(String::valueOf).collect(Collectors.joining(", ", "[", "]"));
    }
}
