package dev.skald.compute.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * An array of int32 that kernels read, in Java or not. Written by the engine thread between operations.
 *
 * @param memory 4 bytes for each, aligned
 */
record NativeInts(MemorySegment memory) {
    static final NativeInts NONE = new NativeInts(MemorySegment.NULL);

    static NativeInts allocate(NativeMemory memory, int count) {
        return new NativeInts(memory.allocate(4L * count));
    }

    long address() {
        return memory.address();
    }

    int length() {
        return (int) (memory.byteSize() / 4);
    }

    int get(int index) {
        return memory.getAtIndex(ValueLayout.JAVA_INT, index);
    }

    void set(int index, int value) {
        memory.setAtIndex(ValueLayout.JAVA_INT, index, value);
    }

    /** Twice as long, with the same beginning. The old array stays allocated as long as its device: growth ends soon. */
    NativeInts grown(NativeMemory from) {
        NativeInts longer = allocate(from, 2 * length());
        MemorySegment.copy(memory, 0, longer.memory, 0, memory.byteSize());
        return longer;
    }
}
