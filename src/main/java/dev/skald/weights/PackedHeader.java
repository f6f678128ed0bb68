package dev.skald.weights;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * How a packed file begins: 40 bytes, little-endian. In this order: magic, version (int32), 4 zeros, bytes of the whole file, where its manifest
 * begins, bytes of the manifest (int64 each). Then weights and documents, each at a multiple of {@value #ALIGNMENT}, then the manifest, the last
 * thing of the file.
 *
 * @param manifestBegin first byte of the manifest
 * @param manifestBytes its length
 */
record PackedHeader(long manifestBegin, long manifestBytes) {
    static final int VERSION = 1;
    static final int BYTES = 40;
    static final int ALIGNMENT = 64;
    /** Of a model of a thousand layers. */
    static final long MAX_MANIFEST_BYTES = 64 << 20;

    /** "SKALDPK\n". */
    private static final long MAGIC = 0x0A4B50444C414B53L;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** @throws CheckpointException if it is no packed file, one of another version, or not whole */
    static PackedHeader parse(String file, MemorySegment mapped) {
        if (mapped.byteSize() < BYTES || mapped.get(LONG, 0) != MAGIC) throw new CheckpointException(file + " is no packed file: it doesn't begin like one");
        int version = mapped.get(INT, 8);
        if (version != VERSION) {
            throw new CheckpointException(file + " is a packed file of version " + version + ", and this Skald reads version " + VERSION
                    + ": make it again from its source with `skald quantize SRC " + file + " --packed --force`");
        }
        long bytes = mapped.get(LONG, 16);
        if (bytes != mapped.byteSize()) throw new CheckpointException(file + " has " + mapped.byteSize() + " bytes and should have " + bytes + ": it is not whole");
        long begin = mapped.get(LONG, 24);
        long length = mapped.get(LONG, 32);
        if (begin < BYTES || length < 2 || length > MAX_MANIFEST_BYTES || begin > bytes - length || begin + length != bytes) {
            throw new CheckpointException(file + " has its manifest of " + length + " bytes at " + begin + ", which is not the end of its " + bytes + " bytes");
        }
        return new PackedHeader(begin, length);
    }

    byte[] bytes() {
        MemorySegment out = MemorySegment.ofArray(new byte[BYTES]);
        out.set(LONG, 0, MAGIC);
        out.set(INT, 8, VERSION);
        out.set(LONG, 16, manifestBegin + manifestBytes);
        out.set(LONG, 24, manifestBegin);
        out.set(LONG, 32, manifestBytes);
        return out.toArray(ValueLayout.JAVA_BYTE);
    }
}
