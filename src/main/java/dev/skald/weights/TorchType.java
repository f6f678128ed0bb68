package dev.skald.weights;

import dev.skald.tensor.DType;
import java.util.Arrays;
import java.util.Optional;

/** Element types of PyTorch's storages, by the class that a pickle names. */
enum TorchType {
    FLOAT("FloatStorage", DType.F32),
    HALF("HalfStorage", DType.F16),
    BFLOAT16("BFloat16Storage", DType.BF16),
    DOUBLE("DoubleStorage", 8),
    LONG("LongStorage", 8),
    INT("IntStorage", 4),
    SHORT("ShortStorage", 2),
    CHAR("CharStorage", 1),
    BYTE("ByteStorage", 1),
    BOOL("BoolStorage", 1);

    private final String storage;
    private final int bytes;
    private final Optional<DType> dtype;

    TorchType(String storage, int bytes) {
        this.storage = storage;
        this.bytes = bytes;
        this.dtype = Optional.empty();
    }

    TorchType(String storage, DType dtype) {
        this.storage = storage;
        this.bytes = dtype.bytes();
        this.dtype = Optional.of(dtype);
    }

    /** @param storage e.g. "HalfStorage" */
    static Optional<TorchType> of(String storage) {
        return Arrays.stream(values()).filter(t -> t.storage.equals(storage)).findFirst();
    }

    /** The one for an unquantised type. */
    static TorchType of(DType dtype) {
        return Arrays.stream(values()).filter(t -> t.dtype.isPresent() && t.dtype.get() == dtype).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("PyTorch has no storage of " + dtype));
    }

    String storage() {
        return storage;
    }

    /** What Skald computes with, if it is one of those. */
    Optional<DType> dtype() {
        return dtype;
    }

    /** Bytes of an element. */
    int bytes() {
        return bytes;
    }
}
