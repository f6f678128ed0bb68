package dev.skald.tensor;

/** Element type of a tensor. A value that kernels switch on once, outside their loops; never a class per type. */
public enum DType {
    F32(4),
    F16(2),
    BF16(2),
    I32(4);

    private final int bytes;

    DType(int bytes) {
        this.bytes = bytes;
    }

    /** Bytes of one element. */
    public int bytes() {
        return bytes;
    }

    /** Bytes of {@code elements} elements, stored densely. */
    public long bytes(long elements) {
        return Math.multiplyExact(elements, (long) bytes);
    }
}
