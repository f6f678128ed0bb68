package dev.skald.weights;

import dev.skald.tensor.DType;
import java.util.Arrays;
import java.util.Optional;

/** Element types of the safetensors format, by the names that its headers use. */
enum SafetensorsType {
    BOOL(8),
    F4(4),
    F6_E2M3(6),
    F6_E3M2(6),
    U8(8),
    I8(8),
    F8_E5M2(8),
    F8_E4M3(8),
    F8_E8M0(8),
    F8_E4M3FNUZ(8),
    F8_E5M2FNUZ(8),
    I16(16),
    U16(16),
    F16(DType.F16),
    BF16(DType.BF16),
    I32(32),
    U32(32),
    F32(DType.F32),
    C64(64),
    F64(64),
    I64(64),
    U64(64);

    private final int bits;
    private final Optional<DType> dtype;

    SafetensorsType(int bits) {
        this.bits = bits;
        this.dtype = Optional.empty();
    }

    SafetensorsType(DType dtype) {
        this.bits = 8 * dtype.bytes();
        this.dtype = Optional.of(dtype);
    }

    static Optional<SafetensorsType> of(String name) {
        return Arrays.stream(values()).filter(t -> t.name().equals(name)).findFirst();
    }

    /** What Skald computes with, if it is one of those. */
    Optional<DType> dtype() {
        return dtype;
    }

    /** @throws ArithmeticException if they are not whole bytes, or more than 2⁶³ − 1 bits */
    long bytes(long elements) {
        long total = Math.multiplyExact(elements, (long) bits);
        if (total % 8 != 0) throw new ArithmeticException(total + " bits are not whole bytes");
        return total / 8;
    }
}
