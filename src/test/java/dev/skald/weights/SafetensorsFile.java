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
    private final Map<String, String> headers = new LinkedHashMap<>();
    private final ByteArrayOutputStream data = new ByteArrayOutputStream();

    /** @param values rounded to {@code dtype} */
    public SafetensorsFile add(String name, DType dtype, float[] values, long... shape) {
        byte[] bytes = new byte[Math.toIntExact(dtype.bytes(values.length))];
        for (int i = 0; i < values.length; i++) Elements.set(dtype, MemorySegment.ofArray(bytes), i, values[i]);
        return add(name, dtype.name(), bytes, shape);
    }

    public SafetensorsFile add(String name, String type, byte[] bytes, long... shape) {
        int begin = data.size();
        data.writeBytes(bytes);
        headers.put(name, entry(type, Arrays.stream(shape).mapToObj(Long::toString).collect(Collectors.joining(",")), begin, data.size()));
        return this;
    }

    /** The fields of one tensor as the header writes them. */
    public static String entry(String type, String shape, long begin, long end) {
        return "{\"dtype\":\"" + type + "\",\"shape\":[" + shape + "],\"data_offsets\":[" + begin + "," + end + "]}";
    }

    public byte[] bytes() {
        String header = headers.entrySet().stream()
                .map(e -> "\"" + e.getKey() + "\":" + e.getValue())
                .collect(Collectors.joining(",", "{\"__metadata__\":{\"format\":\"pt\"},", "}"));
        return bytes(header, data.toByteArray());
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
