package dev.skald.compute;

/** What a {@code linear} does with each output element before it stores it. */
public sealed interface Epilogue {
    record None() implements Epilogue {}

    /** @param bias {@code [1, out]} f32, role VECTOR */
    record Bias(Weight bias) implements Epilogue {}

    Epilogue NONE = new None();
}
