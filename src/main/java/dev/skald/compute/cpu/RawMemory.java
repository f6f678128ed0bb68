package dev.skald.compute.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Memory by address, unchecked: who computes an address answers for it, as in C. */
final class RawMemory {
    /** All memory, so that an offset is an address. Its bounds and lifetime are constants, which leaves nothing to check inside a loop. */
    static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

    private RawMemory() {}

    static float loadFloat(long address) {
        return ALL.get(FLOAT, address);
    }

    static void storeFloat(float v, long address) {
        ALL.set(FLOAT, address, v);
    }

    static int loadInt(long address) {
        return ALL.get(INT, address);
    }

    static void storeInt(int v, long address) {
        ALL.set(INT, address, v);
    }

    static byte loadByte(long address) {
        return ALL.get(ValueLayout.JAVA_BYTE, address);
    }

    static void storeByte(byte v, long address) {
        ALL.set(ValueLayout.JAVA_BYTE, address, v);
    }

    static short loadShort(long address) {
        return ALL.get(SHORT, address);
    }

    static void storeShort(short v, long address) {
        ALL.set(SHORT, address, v);
    }

    static void copy(long from, long to, long bytes) {
        MemorySegment.copy(ALL, from, ALL, to, bytes);
    }
}
