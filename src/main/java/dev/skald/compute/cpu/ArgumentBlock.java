package dev.skald.compute.cpu;

import dev.skald.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The arguments of one native operation, as skald.h lays them out: fields of 8 bytes, in order. Written from the first field to the last, by
 * the engine thread before the operation runs.
 */
final class ArgumentBlock {
    private static final int FIELD_BYTES = 8;

    private final MemorySegment memory;
    private int next;

    ArgumentBlock(NativeMemory from, int fields) {
        memory = from.allocate((long) fields * FIELD_BYTES);
    }

    long address() {
        return memory.address();
    }

    /** Begins again at the first field. */
    ArgumentBlock begin() {
        next = 0;
        return this;
    }

    /** An integer or an address. */
    ArgumentBlock put(long value) {
        memory.set(ValueLayout.JAVA_LONG, (long) FIELD_BYTES * next++, value);
        return this;
    }

    ArgumentBlock put(double value) {
        memory.set(ValueLayout.JAVA_DOUBLE, (long) FIELD_BYTES * next++, value);
        return this;
    }

    ArgumentBlock put(DType type) {
        return put(code(type));
    }

    /** Fails if fields are missing: the block and skald.h would disagree. */
    void end() {
        if ((long) next * FIELD_BYTES != memory.byteSize()) throw new IllegalStateException(next + " fields of " + memory.byteSize() / FIELD_BYTES);
    }

    /** As skald.h numbers types and layouts: like GGUF. */
    static long code(DType type) {
        return switch (type) {
            case F32 -> 0;
            case F16 -> 1;
            case BF16 -> 30;
            case Q4_0 -> 2;
            case Q4_1 -> 3;
            case Q5_1 -> 7;
            case Q8_0 -> 8;
            case Q4_K -> 12;
            case Q5_K -> 13;
            case Q6_K -> 14;
            default -> throw new IllegalArgumentException("no native kernel takes " + type);
        };
    }
}
