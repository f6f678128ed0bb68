package dev.skald.quantize;

import dev.skald.tensor.DType;

/**
 * Which type a weight gets when a model is to have a type. One rule for files and for loading:
 * <ul>
 *   <li>every matrix gets the type that was asked for;
 *   <li>the head, which decides between all tokens, gets at least Q6_K, and so does an embedding table that is also the head;
 *   <li>where a row isn't whole blocks of 256, a type with blocks of 32 takes its place, of no fewer bits; where it isn't whole blocks of 32
 *       either, F16.
 * </ul>
 * Norms and biases stay F32.
 */
public final class WeightTypes {
    private WeightTypes() {}

    /** @param cols elements of a row @param head whether the matrix is the head */
    public static DType of(DType wanted, long cols, boolean head) {
        DType type = head ? headType(wanted) : wanted;
        if (cols % type.blockElements() == 0) return type;
        DType smaller = switch (type) {
            case Q2_K, Q3_K -> DType.IQ4_NL;
            case Q4_K -> DType.Q5_0;
            case Q5_K -> DType.Q5_1;
            case Q6_K -> DType.Q8_0;
            case Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL -> DType.F16;
            case F32, F16, BF16, I32 -> throw new IllegalStateException(type + " has no blocks");
        };
        return cols % smaller.blockElements() == 0 ? smaller : DType.F16;
    }

    private static DType headType(DType wanted) {
        return switch (wanted) {
            case Q2_K, Q3_K, Q4_K, Q5_K, Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL -> DType.Q6_K;
            case Q6_K, Q8_0, F32, F16, BF16 -> wanted;
            case I32 -> throw new IllegalArgumentException("weights can't be integers");
        };
    }
}
