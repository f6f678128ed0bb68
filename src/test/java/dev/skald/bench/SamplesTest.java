package dev.skald.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class SamplesTest {
    @Test
    void percentiles_are_by_nearest_rank() {
        Samples samples = new Samples();
        for (int i = 20; i >= 1; i--) samples.add(i);
        assertEquals(OptionalDouble.of(10), samples.percentile(0.5));
        assertEquals(OptionalDouble.of(19), samples.percentile(0.95));
        assertEquals(OptionalDouble.of(20), samples.percentile(1));
        assertEquals(OptionalDouble.of(1), samples.percentile(0.001));
    }

    @Test
    void the_median_of_an_even_number_is_the_mean_of_the_middle_two() {
        Samples samples = new Samples();
        samples.add(4);
        samples.add(1);
        assertEquals(OptionalDouble.of(2.5), samples.median());
        samples.add(100);
        assertEquals(OptionalDouble.of(4), samples.median());
    }

    @Test
    void nothing_measured_is_empty_and_many_values_fit() {
        Samples samples = new Samples();
        assertEquals(OptionalDouble.empty(), samples.median());
        assertEquals(OptionalDouble.empty(), samples.percentile(0.5));
        Samples all = new Samples();
        for (int i = 0; i < 5000; i++) samples.add(i);
        all.addAll(samples);
        all.addAll(samples);
        assertEquals(10_000, all.size());
        assertEquals(OptionalDouble.of(2499.5), all.median());
    }
}
