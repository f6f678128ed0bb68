package dev.skald.weights;

import dev.skald.tensor.DType;
import dev.skald.tensor.Elements;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.Arrays;

/** Writes safetensors files for tests. Tensors lie in the order in which they were added. */
public final class SafetensorsFile {
    private final Map<String, Entry> tensors = new LinkedHashMap<>();

    private record Entry(String type, String shape, byte[] bytes) {}

    /** @param values rounded to {@code dtype} */
    public SafetensorsFile add(String name, DType dtype, float[] values, long... shape) {
        byte[] bytes = new byte[Math.toIntExact(dtype.bytes(values.length))];
        for (int i = 0; i < values.length; i++) Elements.set(dtype, MemorySegment.ofArray(bytes), i, values[i]);
        return add(name, dtype.name(), bytes, shape);
    }

    /** The same with another tensor in the place of the one of this name. */
    public SafetensorsFile replace(String name, DType dtype, float[] values, long... shape) {
        if (!tensors.containsKey(name)) throw new IllegalArgumentException("no tensor " + name);
        return add(name, dtype, values, shape);
    }

    public SafetensorsFile add(String name, String type, byte[] bytes, long... shape) {
        tensors.put(name, new Entry(type, Arrays.stream(shape).mapToObj(Long::toString).collect(Collectors.joining(",")), bytes));
        return this;
    }

    /** The fields of one tensor as the header writes them. */
    public static String entry(String type, String shape, long begin, long end) {
        return "{\"dtype\":\"" + type + "\",\"shape\":[" + shape + "],\"data_offsets\":[" + begin + "," + end + "]}";
    }

    public byte[] bytes() {
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        StringBuilder header = new StringBuilder("{\"__metadata__\":{\"format\":\"pt\"}");
        tensors.forEach((name, e) -> {
            int begin = data.size();
            data.writeBytes(e.bytes());
            header.append(",\"").append(name).append("\":").append(entry(e.type(), e.shape(), begin, data.size()));
        });
        return bytes(header.append('}').toString(), data.toByteArray());
    }

    /** A file of any header and any data. */
    public static byte[] bytes(String header, byte[] data) {
        byte[] utf8 = header.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + utf8.length + data.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(utf8.length)
                .put(utf8)
                .put(data)
                .array();
    }

    public void write(Path path) {
        try {
            Files.write(path, bytes());
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
