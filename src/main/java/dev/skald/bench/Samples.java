package dev.skald.bench;

import java.util.Arrays;
import java.util.OptionalDouble;

/** Measured values, growing, and their percentiles by nearest rank. Not thread-safe. */
final class Samples {
    private double[] values = new double[1024];
    private int size;

    void add(double value) {
        if (size == values.length) values = Arrays.copyOf(values, 2 * size);
        values[size++] = value;
    }

    void addAll(Samples other) {
        for (int i = 0; i < other.size; i++) add(other.values[i]);
    }

    int size() {
        return size;
    }

    /** The smallest value that at least this share of all values doesn't exceed. @param share (0, 1] */
    OptionalDouble percentile(double share) {
        if (size == 0) return OptionalDouble.empty();
        double[] sorted = Arrays.copyOf(values, size);
        Arrays.sort(sorted);
        return OptionalDouble.of(sorted[Math.clamp((int) Math.ceil(share * size) - 1, 0, size - 1)]);
    }

    /** The middle one, or the mean of the middle two. */
    OptionalDouble median() {
        if (size == 0) return OptionalDouble.empty();
        double[] sorted = Arrays.copyOf(values, size);
        Arrays.sort(sorted);
        return OptionalDouble.of((sorted[(size - 1) / 2] + sorted[size / 2]) / 2);
    }
}
