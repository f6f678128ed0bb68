package dev.skald.weights;

import dev.skald.tensor.DType;
import java.util.Arrays;
import java.util.Optional;

/** Element types of the GGUF format by their numbers; sizes of all, so that a file can be checked whatever it holds. */
enum GgufType {
    F32(0, DType.F32),
    F16(1, DType.F16),
    Q4_0(2, DType.Q4_0),
    Q4_1(3, DType.Q4_1),
    Q5_0(6, DType.Q5_0),
    Q5_1(7, DType.Q5_1),
    Q8_0(8, DType.Q8_0),
    Q8_1(9, 32, 36),
    Q2_K(10, DType.Q2_K),
    Q3_K(11, DType.Q3_K),
    Q4_K(12, DType.Q4_K),
    Q5_K(13, DType.Q5_K),
    Q6_K(14, DType.Q6_K),
    Q8_K(15, 256, 292),
    IQ2_XXS(16, 256, 66),
    IQ2_XS(17, 256, 74),
    IQ3_XXS(18, 256, 98),
    IQ1_S(19, 256, 50),
    IQ4_NL(20, DType.IQ4_NL),
    IQ3_S(21, 256, 110),
    IQ2_S(22, 256, 82),
    IQ4_XS(23, 256, 136),
    I8(24, 1, 1),
    I16(25, 1, 2),
    I32(26, 1, 4),
    I64(27, 1, 8),
    F64(28, 1, 8),
    IQ1_M(29, 256, 56),
    BF16(30, DType.BF16),
    TQ1_0(34, 256, 54),
    TQ2_0(35, 256, 66),
    MXFP4(39, 32, 17);

    private final int number;
    private final int blockElements;
    private final int blockBytes;
    private final Optional<DType> dtype;

    GgufType(int number, int blockElements, int blockBytes) {
        this.number = number;
        this.blockElements = blockElements;
        this.blockBytes = blockBytes;
        this.dtype = Optional.empty();
    }

    GgufType(int number, DType dtype) {
        this.number = number;
        this.blockElements = dtype.blockElements();
        this.blockBytes = dtype.blockBytes();
        this.dtype = Optional.of(dtype);
    }

    static Optional<GgufType> of(long number) {
        return Arrays.stream(values()).filter(t -> t.number == number).findFirst();
    }

    /** The one of the same name. */
    static GgufType of(DType dtype) {
        return valueOf(dtype.name());
    }

    int number() {
        return number;
    }

    /** What Skald computes with, if it is one of those. */
    Optional<DType> dtype() {
        return dtype;
    }

    int blockElements() {
        return blockElements;
    }

    /**
     * @param elements of all rows
     * @param row      elements of one row, which must be whole blocks
     * @throws ArithmeticException if they are not, or of more than 2⁶³ − 1 bytes
     */
    long bytes(long elements, long row) {
        if (row % blockElements != 0) throw new ArithmeticException("a row of " + row + " is not whole blocks of " + blockElements);
        return Math.multiplyExact(elements / blockElements, (long) blockBytes);
    }
}
