package dev.skald.weights;

import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Writes a GGUF file, version 3: first all keys and the tensors' names, types and shapes, then their bytes in the same order. One thread.
 *
 * @see GgufHeader
 */
public final class GgufWriter {
    private static final int VERSION = 3;

    private final NewFile file;
    private final ByteArrayOutputStream keys = new ByteArrayOutputStream();
    private final Set<String> names = new HashSet<>();
    private final List<Declared> tensors = new ArrayList<>();
    private int keyCount;
    private boolean begun;
    private int current;
    private long left;

    private record Declared(String name, DType dtype, Shape shape) {
        long bytes() {
            return dtype.bytes(shape.elements());
        }
    }

    /** @param file empty so far; the caller finishes it */
    public GgufWriter(NewFile file) {
        this.file = file;
    }

    public GgufWriter put(String key, String value) {
        begin(key, GgufValue.Kind.STRING);
        string(keys, value);
        return this;
    }

    /** As an unsigned 32-bit number, which readers expect of counts. */
    public GgufWriter put(String key, int value) {
        if (value < 0) throw new IllegalArgumentException(key + " " + value + " is negative");
        begin(key, GgufValue.Kind.UINT32);
        int32(keys, value);
        return this;
    }

    public GgufWriter put(String key, float value) {
        begin(key, GgufValue.Kind.FLOAT32);
        int32(keys, Float.floatToRawIntBits(value));
        return this;
    }

    public GgufWriter put(String key, boolean value) {
        begin(key, GgufValue.Kind.BOOL);
        keys.write(value ? 1 : 0);
        return this;
    }

    public GgufWriter put(String key, List<String> values) {
        begin(key, GgufValue.Kind.STRING, values.size());
        for (String value : values) string(keys, value);
        return this;
    }

    public GgufWriter put(String key, int[] values) {
        begin(key, GgufValue.Kind.INT32, values.length);
        for (int value : values) int32(keys, value);
        return this;
    }

    public GgufWriter put(String key, float[] values) {
        begin(key, GgufValue.Kind.FLOAT32, values.length);
        for (float value : values) int32(keys, Float.floatToRawIntBits(value));
        return this;
    }

    /** All keys of another file that {@code wanted} accepts, byte for byte. */
    public GgufWriter putAll(GgufMetadata metadata, Predicate<String> wanted) {
        for (String key : metadata.keys()) {
            if (!wanted.test(key)) continue;
            begin(key);
            keys.writeBytes(metadata.raw(key));
        }
        return this;
    }

    /** Says that a tensor will come. */
    public GgufWriter tensor(String name, DType dtype, Shape shape) {
        if (begun) throw new IllegalStateException("the header is written already");
        if (shape.rank() < 1 || shape.rank() > GgufHeader.MAX_RANK) throw new IllegalArgumentException(name + " has the rank " + shape.rank());
        tensors.add(new Declared(name, dtype, shape));
        return this;
    }

    /** Bytes of all tensors together. */
    public long tensorBytes() {
        return tensors.stream().mapToLong(Declared::bytes).sum();
    }

    /** Writes the header; afterwards {@link #append} takes the tensors' bytes. */
    public void begin() throws IOException {
        if (begun) throw new IllegalStateException("the header is written already");
        begun = true;
        ByteArrayOutputStream header = new ByteArrayOutputStream();
        int32(header, GgufHeader.MAGIC);
        int32(header, VERSION);
        int64(header, tensors.size());
        int64(header, keyCount);
        keys.writeTo(header);
        long offset = 0;
        for (Declared tensor : tensors) {
            string(header, tensor.name());
            int32(header, tensor.shape().rank());
            // innermost first
            for (long dim : tensor.shape().dims().reversed()) int64(header, dim);
            int32(header, GgufType.of(tensor.dtype()).number());
            int64(header, offset);
            offset = aligned(offset + tensor.bytes());
        }
        file.write(header.toByteArray());
        file.pad(GgufHeader.DEFAULT_ALIGNMENT);
        left = tensors.isEmpty() ? 0 : tensors.getFirst().bytes();
    }

    /** Further bytes of the current tensor; when it is whole, the next one is current. */
    public void append(MemorySegment bytes) throws IOException {
        if (!begun || bytes.byteSize() > left) throw new IllegalStateException("more bytes than " + current + " tensors have");
        file.write(bytes);
        left -= bytes.byteSize();
        if (left > 0) return;
        file.pad(GgufHeader.DEFAULT_ALIGNMENT);
        current++;
        left = current < tensors.size() ? tensors.get(current).bytes() : 0;
    }

    /** All tensors are there: gives the file its name. */
    public void finish() throws IOException {
        if (!begun || current < tensors.size()) throw new IllegalStateException("only " + current + " of " + tensors.size() + " tensors are written");
        file.finish();
    }

    private static long aligned(long offset) {
        return Math.ceilDiv(offset, GgufHeader.DEFAULT_ALIGNMENT) * GgufHeader.DEFAULT_ALIGNMENT;
    }

    private void begin(String key, GgufValue.Kind kind) {
        begin(key);
        int32(keys, kind.ordinal());
    }

    private void begin(String key, GgufValue.Kind element, long count) {
        begin(key, GgufValue.Kind.ARRAY);
        int32(keys, element.ordinal());
        int64(keys, count);
    }

    private void begin(String key) {
        if (begun) throw new IllegalStateException("the header is written already");
        if (!names.add(key)) throw new IllegalArgumentException(key + " is there already");
        string(keys, key);
        keyCount++;
    }

    private static void string(ByteArrayOutputStream out, String value) {
        byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
        int64(out, utf8.length);
        out.writeBytes(utf8);
    }

    private static void int32(ByteArrayOutputStream out, int value) {
        out.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
    }

    private static void int64(ByteArrayOutputStream out, long value) {
        out.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
    }
}
