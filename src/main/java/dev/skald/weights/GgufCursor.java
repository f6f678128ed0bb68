package dev.skald.weights;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Reads one field after the other, little-endian, never beyond the file's end. What isn't as it should be is a {@link CheckpointException} that
 * names the file, the place and the field. One thread.
 */
final class GgufCursor {
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final String file;
    private final MemorySegment data;
    private long at;

    /** @param file for messages @param at where to begin, in bytes */
    GgufCursor(String file, MemorySegment data, long at) {
        this.file = file;
        this.data = data;
        this.at = at;
    }

    long at() {
        return at;
    }

    byte int8(String what) {
        return data.get(ValueLayout.JAVA_BYTE, take(1, what));
    }

    short int16(String what) {
        return data.get(SHORT, take(2, what));
    }

    int int32(String what) {
        return data.get(INT, take(4, what));
    }

    long int64(String what) {
        return data.get(LONG, take(8, what));
    }

    /** An unsigned 64-bit number that may be at most {@code max}. */
    long count(long max, String what) {
        long begin = at;
        long value = int64(what);
        if (value < 0 || value > max) throw bad(begin, what + " is " + Long.toUnsignedString(value) + ", more than " + max);
        return value;
    }

    /** A length of 64 bits and as many bytes of UTF-8. */
    String string(long maxBytes, String what) {
        long length = count(maxBytes, "the length of " + what);
        long begin = take(length, what);
        byte[] bytes = data.asSlice(begin, length).toArray(ValueLayout.JAVA_BYTE);
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(java.nio.ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw bad(begin, what + " is not UTF-8");
        }
    }

    /** A string's bytes are stepped over, its length checked. */
    void skipString(long maxBytes, String what) {
        take(count(maxBytes, "the length of " + what), what);
    }

    void skip(long bytes, String what) {
        take(bytes, what);
    }

    /** @return where the bytes begin */
    private long take(long bytes, String what) {
        if (bytes > data.byteSize() - at) throw bad(at, what + " goes beyond the file's end at byte " + data.byteSize() + ": it is cut off");
        long begin = at;
        at += bytes;
        return begin;
    }

    /** @param place in bytes from the file's start */
    CheckpointException bad(long place, String sentence) {
        return new CheckpointException(file + " is damaged at byte " + place + ": " + sentence);
    }
}
