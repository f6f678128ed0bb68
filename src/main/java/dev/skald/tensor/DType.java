package dev.skald.tensor;

/**
 * Element type of a tensor. A value that kernels switch on once, outside their loops; never a class per type.
 *
 * <p>Quantised types hold blocks of neighbours in a row, laid out as GGUF defines them; a row is a whole number of blocks.
 */
public enum DType {
    F32(1, 4),
    F16(1, 2),
    BF16(1, 2),
    I32(1, 4),
    Q4_0(32, 18),
    Q4_1(32, 20),
    Q5_0(32, 22),
    Q5_1(32, 24),
    Q8_0(32, 34),
    IQ4_NL(32, 18),
    Q2_K(256, 84),
    Q3_K(256, 110),
    Q4_K(256, 144),
    Q5_K(256, 176),
    Q6_K(256, 210);

    private final int blockElements;
    private final int blockBytes;

    DType(int blockElements, int blockBytes) {
        this.blockElements = blockElements;
        this.blockBytes = blockBytes;
    }

    /** Whether elements stand in blocks that share a scale. */
    public boolean quantised() {
        return blockElements > 1;
    }

    /** Elements that are stored together: 1, or a quantised type's block. */
    public int blockElements() {
        return blockElements;
    }

    /** Bytes of {@link #blockElements} elements. */
    public int blockBytes() {
        return blockBytes;
    }

    /** Bytes of one element. @throws IllegalStateException for a quantised type, whose elements have no bytes of their own */
    public int bytes() {
        if (quantised()) throw new IllegalStateException("elements of " + this + " are stored by blocks");
        return blockBytes;
    }

    /**
     * Bytes of {@code elements} elements, stored densely.
     *
     * @throws IllegalArgumentException if they aren't whole blocks
     */
    public long bytes(long elements) {
        if (elements % blockElements != 0) throw new IllegalArgumentException(elements + " elements are not whole blocks of " + this);
        return Math.multiplyExact(elements / blockElements, (long) blockBytes);
    }
}
