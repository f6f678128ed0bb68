package dev.skald.gpucheck;

import dev.skald.gpucheck.KernelGroup.Output;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** How far the outputs of one kernel are from those of another device, over all its cases. */
final class Comparison {
    private long elements;
    private long sameBits;
    private double worst;
    private double worstShareOfBound;
    private int cases;
    private Optional<String> failure = Optional.empty();

    /** Kernel → comparison, in the order in which kernels came. @param found outputs of a device @param expected of the other one, of the same calls */
    static Map<String, Comparison> of(List<Output> found, List<Output> expected) {
        if (found.size() != expected.size()) throw new IllegalStateException(found.size() + " outputs against " + expected.size());
        Map<String, Comparison> kernels = new LinkedHashMap<>();
        for (int i = 0; i < found.size(); i++) kernels.computeIfAbsent(found.get(i).kernel(), k -> new Comparison()).add(found.get(i), expected.get(i));
        return kernels;
    }

    void add(Output found, Output expected) {
        cases++;
        if (!found.what().equals(expected.what()) || found.values().length != expected.values().length) {
            fail(found.what() + ": " + found.values().length + " values against " + expected.values().length + " of " + expected.what());
            return;
        }
        for (int i = 0; i < found.values().length; i++) {
            float a = found.values()[i];
            float b = expected.values()[i];
            elements++;
            boolean same = Float.floatToRawIntBits(a) == Float.floatToRawIntBits(b) || Float.isNaN(a) && Float.isNaN(b);
            if (same) {
                sameBits++;
                continue;
            }
            double difference = Math.abs((double) a - b);
            worst = Double.isNaN(difference) ? Double.NaN : Math.max(worst, difference);
            if (found.bound() > 0) worstShareOfBound = Math.max(worstShareOfBound, difference / found.bound());
            if (!(difference <= found.bound()) || found.bound() == 0) {
                fail(found.what() + ": element " + i + " is " + a + ", expected " + b + (found.bound() == 0 ? " in all bits" : " ± " + found.bound()));
            }
        }
    }

    private void fail(String sentence) {
        if (failure.isEmpty()) failure = Optional.of(sentence);
    }

    /** The first thing beyond its bound. */
    Optional<String> failure() {
        return failure;
    }

    Map<String, Object> values() {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("cases", cases);
        values.put("elements", elements);
        values.put("same_bits", elements == 0 ? 1 : Result.round((double) sameBits / elements));
        values.put("largest_difference", Result.round(worst));
        values.put("of_its_bound", Result.round(worstShareOfBound));
        return values;
    }
}
