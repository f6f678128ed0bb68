package dev.skald.weights;

import dev.skald.tensor.Shape;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The header of one safetensors file: eight bytes with the length of a JSON object, the object, then the tensors' bytes without a gap or an
 * overlap. Nothing in it is believed before it is checked against the file.
 *
 * @param dataStart where the tensors' bytes begin in the file
 * @param entries   by name, in the order of the header
 */
record SafetensorsHeader(long dataStart, Map<String, Entry> entries) {
    /** The format's own limit. */
    static final long MAX_BYTES = 100_000_000;
    /** Ten times what the largest published models have; bounds memory. */
    static final int MAX_TENSORS = 1_000_000;

    private static final int LENGTH_BYTES = 8;
    private static final ValueLayout.OfLong LENGTH = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** @param begin first byte, from dataStart @param end behind the last byte, from dataStart */
    record Entry(SafetensorsType type, Shape shape, long begin, long end) {}

    /** @param file for messages @param mapped the whole file @throws CheckpointException */
    static SafetensorsHeader parse(String file, MemorySegment mapped) {
        long size = mapped.byteSize();
        if (size < LENGTH_BYTES) throw new CheckpointException(file + " is cut off: it has " + size + " bytes, fewer than a header's length takes");
        long length = mapped.get(LENGTH, 0);
        if (length < 2 || length > MAX_BYTES) {
            throw new CheckpointException(
                    file + " is not a safetensors file: its header would be " + Long.toUnsignedString(length) + " bytes long");
        }
        if (length > size - LENGTH_BYTES) {
            throw new CheckpointException(file + " is cut off: its header is " + length + " bytes long, the file " + size);
        }
        byte[] json = mapped.asSlice(LENGTH_BYTES, length).toArray(ValueLayout.JAVA_BYTE);
        if (json[0] != '{') throw new CheckpointException(file + " is not a safetensors file: its header doesn't begin with {");
        Map<String, Entry> entries = entries(file, json);
        long dataStart = LENGTH_BYTES + length;
        checkTiling(file, entries, size - dataStart);
        return new SafetensorsHeader(dataStart, entries);
    }

    private static Map<String, Entry> entries(String file, byte[] utf8) {
        Map<String, Entry> entries = new LinkedHashMap<>();
        try (StrictJson json = new StrictJson(utf8)) {
            json.beginObject();
            while (json.nextKey()) {
                String name = json.key();
                if (name.equals("__metadata__")) {
                    metadata(json);
                } else {
                    entries.put(name, entry(file, name, json));
                    if (entries.size() > MAX_TENSORS) throw new IOException("it has more than " + MAX_TENSORS + " tensors");
                }
            }
            json.end();
        } catch (IOException e) {
            throw new CheckpointException(file + " has a damaged header: " + StrictJson.describe(e), e);
        }
        return entries;
    }

    private static void metadata(StrictJson json) throws IOException {
        json.beginObject();
        while (json.nextKey()) json.string();
    }

    private static Entry entry(String file, String name, StrictJson json) throws IOException {
        Optional<String> type = Optional.empty();
        Optional<long[]> dims = Optional.empty();
        Optional<long[]> offsets = Optional.empty();
        json.beginObject();
        while (json.nextKey()) {
            switch (json.key()) {
                case "dtype" -> type = Optional.of(json.string());
                case "shape" -> dims = Optional.of(json.naturals(Shape.MAX_RANK));
                case "data_offsets" -> offsets = Optional.of(json.naturals(2));
                default -> throw new IOException("tensor " + name + " has an unknown field " + json.key());
            }
        }
        if (type.isEmpty() || dims.isEmpty() || offsets.isEmpty() || offsets.get().length != 2) {
            throw new IOException("tensor " + name + " lacks its dtype, shape or two data_offsets");
        }
        return checked(file, name, type.get(), dims.get(), offsets.get()[0], offsets.get()[1]);
    }

    private static Entry checked(String file, String name, String type, long[] dims, long begin, long end) {
        String tensor = "tensor " + name + " of " + file;
        SafetensorsType known = SafetensorsType.of(type)
                .orElseThrow(() -> new CheckpointException(tensor + " has the unknown element type " + type));
        try {
            Shape shape = new Shape(Arrays.stream(dims).boxed().toList());
            long expected = known.bytes(shape.elements());
            if (end < begin || end - begin != expected) {
                throw new CheckpointException(tensor + " is " + known + " " + shape + " and needs " + expected
                        + " bytes, but its offsets [" + begin + ", " + end + "] leave " + (end - begin));
            }
            return new Entry(known, shape, begin, end);
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new CheckpointException(tensor + " has an impossible shape: " + e.getMessage(), e);
        }
    }

    /** In ascending order each tensor must begin where the one before ended, and the last must end with the file. */
    private static void checkTiling(String file, Map<String, Entry> entries, long dataBytes) {
        List<Map.Entry<String, Entry>> ascending = entries.entrySet().stream()
                .sorted(Comparator.comparingLong((Map.Entry<String, Entry> e) -> e.getValue().begin())
                        .thenComparingLong(e -> e.getValue().end()))
                .toList();
        long at = 0;
        for (Map.Entry<String, Entry> e : ascending) {
            Entry entry = e.getValue();
            String tensor = "tensor " + e.getKey() + " of " + file;
            if (entry.end() > dataBytes) {
                throw new CheckpointException(tensor + " ends at byte " + entry.end() + " of " + dataBytes + ": the file is cut off");
            }
            if (entry.begin() < at) throw new CheckpointException(tensor + " begins at byte " + entry.begin() + ", inside another tensor");
            if (entry.begin() > at) {
                throw new CheckpointException(tensor + " begins at byte " + entry.begin() + ", leaving a gap from byte " + at);
            }
            at = entry.end();
        }
        if (at != dataBytes) throw new CheckpointException(file + " has " + (dataBytes - at) + " bytes behind its last tensor");
    }
}
