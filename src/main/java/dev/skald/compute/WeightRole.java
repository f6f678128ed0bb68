package dev.skald.compute;

/** What a weight is for; decides how a device lays it out. */
public enum WeightRole {
    /** Rows are looked up by token id: {@code [vocabulary, hidden]}. */
    EMBEDDING,
    /** Multiplied from the left: {@code [out, in]}. */
    LINEAR,
    /** Norm weights, biases: {@code [1, n]}, held in f32. */
    VECTOR,
    /** {@code [positions, headDim]} f32: cosines in the first half of a row, sines in the second. */
    ROPE_TABLE
}
