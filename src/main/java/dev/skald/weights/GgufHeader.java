package dev.skald.weights;

import dev.skald.tensor.Shape;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * All of a GGUF file (version 2 or 3) but its tensors' bytes: magic and version, metadata, then a name, shape, type and place for each tensor.
 * Nothing in it is believed before it is checked against the file.
 *
 * @param version  2 or 3
 * @param metadata keys and values
 * @param entries  by name, in the order of the header
 */
record GgufHeader(int version, GgufMetadata metadata, Map<String, Entry> entries) {
    static final int MAGIC = 0x46554747;
    /** Published files have some dozens. */
    static final int MAX_KEYS = 1 << 16;
    static final int MAX_KEY_BYTES = 1 << 16;
    /** The longest are chat templates, of some 10 KB. */
    static final int MAX_STRING_BYTES = 16 << 20;
    /** Vocabularies and merges have some 100,000 elements. */
    static final long MAX_ARRAY = 1 << 26;
    static final int MAX_TENSORS = 1 << 20;
    static final int MAX_NAME_BYTES = 1 << 10;
    static final int MAX_RANK = 4;
    static final int DEFAULT_ALIGNMENT = 32;
    static final int MAX_ALIGNMENT = 1 << 20;

    /** @param begin first byte of the tensor in the file */
    record Entry(GgufType type, Shape shape, long begin, long bytes) {
        long end() {
            return begin + bytes;
        }
    }

    private record Raw(String name, GgufType type, Shape shape, long offset, long bytes) {}

    /** @param file for messages @param mapped the whole file @throws CheckpointException */
    static GgufHeader parse(String file, MemorySegment mapped) {
        GgufCursor cursor = new GgufCursor(file, mapped, 0);
        if (mapped.byteSize() < 8 || cursor.int32("the magic") != MAGIC) throw new CheckpointException(file + " is not a GGUF file: it doesn't begin with GGUF");
        int version = version(file, cursor.int32("the version"));
        long tensors = cursor.count(MAX_TENSORS, "the number of tensors");
        long keys = cursor.count(MAX_KEYS, "the number of keys");
        TreeMap<String, GgufValue> values = new TreeMap<>();
        for (long i = 0; i < keys; i++) {
            long begin = cursor.at();
            String key = cursor.string(MAX_KEY_BYTES, "key " + i);
            if (values.put(key, GgufValue.read(cursor, Printable.of(key))) != null) throw cursor.bad(begin, "key " + Printable.of(key) + " is there twice");
        }
        GgufMetadata metadata = new GgufMetadata(file, mapped, values);
        List<Raw> raw = new ArrayList<>();
        for (long i = 0; i < tensors; i++) raw.add(tensor(cursor, i));
        long alignment = alignment(metadata);
        long dataStart = Math.ceilDiv(cursor.at(), alignment) * alignment;
        return new GgufHeader(version, metadata, entries(file, raw, alignment, dataStart, mapped.byteSize()));
    }

    private static int version(String file, int version) {
        if (version == 2 || version == 3) return version;
        if (version == 1) throw new CheckpointException(file + " is of GGUF version 1; convert it again, versions 2 and 3 can be read");
        if (Integer.reverseBytes(version) > 0 && Integer.reverseBytes(version) < 1 << 16) {
            throw new CheckpointException(file + " is a big-endian GGUF file, which can't be read");
        }
        throw new CheckpointException(file + " is of GGUF version " + Integer.toUnsignedString(version) + "; versions 2 and 3 can be read");
    }

    private static long alignment(GgufMetadata metadata) {
        long alignment = metadata.integer("general.alignment").orElse(DEFAULT_ALIGNMENT);
        if (alignment < 1 || alignment > MAX_ALIGNMENT || Long.bitCount(alignment) != 1) {
            throw new CheckpointException(metadata.file() + " has general.alignment = " + alignment + ", expected a power of two up to " + MAX_ALIGNMENT);
        }
        return alignment;
    }

    private static Raw tensor(GgufCursor cursor, long index) {
        long begin = cursor.at();
        String name = cursor.string(MAX_NAME_BYTES, "the name of tensor " + index);
        String tensor = "tensor " + Printable.of(name);
        int rank = cursor.int32("the rank of " + tensor);
        if (rank < 1 || rank > MAX_RANK) throw cursor.bad(begin, tensor + " has the rank " + Integer.toUnsignedString(rank) + ", expected 1 to " + MAX_RANK);
        Long[] dims = new Long[rank];
        // innermost first in the file
        for (int d = rank - 1; d >= 0; d--) dims[d] = cursor.count(Long.MAX_VALUE, "a dimension of " + tensor);
        int number = cursor.int32("the type of " + tensor);
        GgufType type = GgufType.of(Integer.toUnsignedLong(number))
                .orElseThrow(() -> cursor.bad(begin, tensor + " has the unknown element type " + Integer.toUnsignedString(number)));
        long offset = cursor.count(Long.MAX_VALUE, "the offset of " + tensor);
        try {
            Shape shape = new Shape(Arrays.asList(dims));
            if (shape.elements() == 0) throw new ArithmeticException("it has no elements");
            return new Raw(name, type, shape, offset, type.bytes(shape.elements(), shape.dim(rank - 1)));
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw cursor.bad(begin, tensor + " is " + type + " " + Arrays.toString(dims) + ", which is impossible: " + e.getMessage());
        }
    }

    private static Map<String, Entry> entries(String file, List<Raw> raw, long alignment, long dataStart, long size) {
        Map<String, Entry> entries = new LinkedHashMap<>();
        for (Raw r : raw) {
            String tensor = "tensor " + Printable.of(r.name) + " of " + file;
            if (r.offset % alignment != 0) {
                throw new CheckpointException(tensor + " begins at byte " + r.offset + " of the tensors' data, which is no multiple of " + alignment);
            }
            if (r.offset > size - dataStart || r.bytes > size - dataStart - r.offset) {
                throw new CheckpointException(tensor + " needs " + r.bytes + " bytes from byte " + r.offset + " of the tensors' data, which has "
                        + Math.max(0, size - dataStart) + ": the file is cut off");
            }
            if (entries.put(r.name, new Entry(r.type, r.shape, dataStart + r.offset, r.bytes)) != null) {
                throw new CheckpointException(tensor + " is there twice");
            }
        }
        checkOverlaps(file, entries);
        return entries;
    }

    private static void checkOverlaps(String file, Map<String, Entry> entries) {
        long at = 0;
        for (Map.Entry<String, Entry> e : entries.entrySet().stream()
                .sorted(Comparator.comparingLong((Map.Entry<String, Entry> x) -> x.getValue().begin())).toList()) {
            if (e.getValue().begin() < at) {
                throw new CheckpointException("tensor " + Printable.of(e.getKey()) + " of " + file + " begins inside another tensor, at byte " + e.getValue().begin());
            }
            at = e.getValue().end();
        }
    }
}
