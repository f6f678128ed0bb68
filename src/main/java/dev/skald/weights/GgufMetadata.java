package dev.skald.weights;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.SortedSet;

/**
 * Keys and values of a GGUF file, decoded when they are asked for, from the mapped file: valid until its checkpoint is closed. Every getter
 * throws {@link CheckpointException} naming file and key if the value is of another type. Immutable, any thread.
 */
public final class GgufMetadata {
    private final String file;
    private final MemorySegment data;
    private final NavigableMap<String, GgufValue> values;

    GgufMetadata(String file, MemorySegment data, NavigableMap<String, GgufValue> values) {
        this.file = file;
        this.data = data;
        this.values = values;
    }

    /** What to call the file in messages. */
    public String file() {
        return file;
    }

    /** All keys, in ascending order. */
    public SortedSet<String> keys() {
        return Collections.unmodifiableSortedSet(values.navigableKeySet());
    }

    public boolean has(String key) {
        return values.containsKey(key);
    }

    /** Whether the value is an array. */
    public boolean isList(String key) {
        return has(key) && values.get(key).kind() == GgufValue.Kind.ARRAY;
    }

    public Optional<String> string(String key) {
        if (!has(key)) return Optional.empty();
        GgufValue value = scalar(key, values.get(key).kind() == GgufValue.Kind.STRING, "a string");
        return Optional.of(cursor(value).string(GgufHeader.MAX_STRING_BYTES, key));
    }

    /** A scalar of whatever type, for messages; "a list" for a list. */
    public String shown(String key) {
        GgufValue value = values.get(key);
        if (value == null) return "nothing";
        if (value.kind() == GgufValue.Kind.ARRAY) return "a list";
        if (value.kind() == GgufValue.Kind.STRING) return Printable.of(string(key).orElse(""));
        if (value.kind() == GgufValue.Kind.BOOL) return String.valueOf(flag(key).orElse(false));
        return value.kind().floating() ? String.valueOf(number(key).orElse(0)) : String.valueOf(integer(key).orElse(0));
    }

    /** A whole number of any width that a signed 64-bit number holds. */
    public OptionalLong integer(String key) {
        if (!has(key)) return OptionalLong.empty();
        GgufValue value = scalar(key, values.get(key).kind().integer(), "a whole number");
        return OptionalLong.of(integer(cursor(value), value.kind(), key));
    }

    /** A floating-point or whole number. */
    public OptionalDouble number(String key) {
        if (!has(key)) return OptionalDouble.empty();
        GgufValue value = scalar(key, values.get(key).kind().integer() || values.get(key).kind().floating(), "a number");
        return OptionalDouble.of(number(cursor(value), value.kind(), key));
    }

    public Optional<Boolean> flag(String key) {
        if (!has(key)) return Optional.empty();
        GgufValue value = scalar(key, values.get(key).kind() == GgufValue.Kind.BOOL, "true or false");
        return Optional.of(cursor(value).int8(key) != 0);
    }

    /** A list of at most {@code max} strings; empty if absent. */
    public List<String> strings(String key, int max) {
        if (!has(key)) return List.of();
        GgufValue value = list(key, values.get(key).element() == GgufValue.Kind.STRING, max, "a list of strings");
        GgufCursor cursor = cursor(value);
        List<String> strings = new ArrayList<>((int) value.count());
        for (int i = 0; i < value.count(); i++) strings.add(cursor.string(GgufHeader.MAX_STRING_BYTES, key));
        return Collections.unmodifiableList(strings);
    }

    /** A list of at most {@code max} whole numbers that fit an int; empty if absent. */
    public int[] integers(String key, int max) {
        if (!has(key)) return new int[0];
        GgufValue value = list(key, values.get(key).element().integer(), max, "a list of whole numbers");
        GgufCursor cursor = cursor(value);
        int[] integers = new int[(int) value.count()];
        for (int i = 0; i < integers.length; i++) {
            long begin = cursor.at();
            long number = integer(cursor, value.element(), key);
            if (number != (int) number) throw cursor.bad(begin, key + " holds " + number + ", more than 32 bits");
            integers[i] = (int) number;
        }
        return integers;
    }

    /** A list of at most {@code max} floating-point numbers, as f32; empty if absent. */
    public float[] floats(String key, int max) {
        if (!has(key)) return new float[0];
        GgufValue value = list(key, values.get(key).element().floating(), max, "a list of numbers");
        GgufCursor cursor = cursor(value);
        float[] floats = new float[(int) value.count()];
        for (int i = 0; i < floats.length; i++) floats[i] = (float) number(cursor, value.element(), key);
        return floats;
    }

    /** A value as it stands in the file, its type before it. */
    byte[] raw(String key) {
        GgufValue value = values.get(key);
        GgufCursor end = cursor(value);
        GgufValue.skip(end, value.element(), value.count(), key);
        long head = value.kind() == GgufValue.Kind.ARRAY ? 16 : 4; // types, and the length of an array
        return data.asSlice(value.at() - head, end.at() - value.at() + head).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    }

    private GgufValue scalar(String key, boolean fits, String wanted) {
        GgufValue value = values.get(key);
        if (!fits) throw wrong(key, value, wanted);
        return value;
    }

    private GgufValue list(String key, boolean fits, int max, String wanted) {
        GgufValue value = values.get(key);
        if (value.kind() != GgufValue.Kind.ARRAY || !fits) throw wrong(key, value, wanted);
        if (value.count() > max) throw new CheckpointException(file + " has " + value.count() + " elements in " + key + ", more than " + max);
        return value;
    }

    private CheckpointException wrong(String key, GgufValue value, String wanted) {
        String kind = value.kind() == GgufValue.Kind.ARRAY ? "a list of " + value.element() : value.kind().toString();
        return new CheckpointException(file + " has " + kind + " in " + key + ", expected " + wanted);
    }

    private GgufCursor cursor(GgufValue value) {
        return new GgufCursor(file, data, value.at());
    }

    private static long integer(GgufCursor cursor, GgufValue.Kind kind, String key) {
        return switch (kind) {
            case UINT8 -> Byte.toUnsignedLong(cursor.int8(key));
            case INT8 -> cursor.int8(key);
            case UINT16 -> Short.toUnsignedLong(cursor.int16(key));
            case INT16 -> cursor.int16(key);
            case UINT32 -> Integer.toUnsignedLong(cursor.int32(key));
            case INT32 -> cursor.int32(key);
            case UINT64 -> cursor.count(Long.MAX_VALUE, key);
            case INT64 -> cursor.int64(key);
            case FLOAT32, FLOAT64, BOOL, STRING, ARRAY -> throw new IllegalStateException(kind + " is no whole number");
        };
    }

    private static double number(GgufCursor cursor, GgufValue.Kind kind, String key) {
        return switch (kind) {
            case FLOAT32 -> Float.intBitsToFloat(cursor.int32(key));
            case FLOAT64 -> Double.longBitsToDouble(cursor.int64(key));
            default -> integer(cursor, kind, key);
        };
    }
}
