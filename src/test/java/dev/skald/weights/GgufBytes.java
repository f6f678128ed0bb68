package dev.skald.weights;

import dev.skald.tensor.Shape;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Writes GGUF files for tests, wrong ones too: what a test doesn't override is right. */
public final class GgufBytes {
    private final Out keys = new Out();
    private final List<Tensor> tensors = new ArrayList<>();
    private int keyCount;
    private int magic = GgufHeader.MAGIC;
    private int version = 3;
    private int alignment = GgufHeader.DEFAULT_ALIGNMENT;

    private record Tensor(String name, int type, long[] dims, byte[] data, long offset) {}

    /** Little-endian fields. */
    static final class Out {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        Out int32(int value) {
            return raw(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
        }

        Out int64(long value) {
            return raw(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
        }

        Out string(String text) {
            byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
            return int64(utf8.length).raw(utf8);
        }

        Out raw(byte[] content) {
            bytes.writeBytes(content);
            return this;
        }

        byte[] toBytes() {
            return bytes.toByteArray();
        }
    }

    GgufBytes magic(int value) {
        magic = value;
        return this;
    }

    GgufBytes version(int value) {
        version = value;
        return this;
    }

    /** How the data is laid out; the key has to be added beside. */
    GgufBytes alignment(int value) {
        alignment = value;
        return this;
    }

    /** A value of any type, given as it stands behind the type's number. */
    GgufBytes key(String key, GgufValue.Kind kind, byte[] value) {
        return key(key, kind.ordinal(), value);
    }

    GgufBytes key(String key, int kind, byte[] value) {
        keys.string(key).int32(kind).raw(value);
        keyCount++;
        return this;
    }

    public GgufBytes string(String key, String value) {
        return key(key, GgufValue.Kind.STRING, new Out().string(value).toBytes());
    }

    public GgufBytes int32(String key, int value) {
        return key(key, GgufValue.Kind.UINT32, new Out().int32(value).toBytes());
    }

    public GgufBytes float32(String key, float value) {
        return key(key, GgufValue.Kind.FLOAT32, new Out().int32(Float.floatToRawIntBits(value)).toBytes());
    }

    public GgufBytes flag(String key, boolean value) {
        return key(key, GgufValue.Kind.BOOL, new byte[] {(byte) (value ? 1 : 0)});
    }

    public GgufBytes strings(String key, List<String> values) {
        Out out = new Out().int32(GgufValue.Kind.STRING.ordinal()).int64(values.size());
        values.forEach(out::string);
        return key(key, GgufValue.Kind.ARRAY, out.toBytes());
    }

    public GgufBytes integers(String key, int... values) {
        Out out = new Out().int32(GgufValue.Kind.INT32.ordinal()).int64(values.length);
        for (int v : values) out.int32(v);
        return key(key, GgufValue.Kind.ARRAY, out.toBytes());
    }

    public GgufBytes floats(String key, float... values) {
        Out out = new Out().int32(GgufValue.Kind.FLOAT32.ordinal()).int64(values.length);
        for (float v : values) out.int32(Float.floatToRawIntBits(v));
        return key(key, GgufValue.Kind.ARRAY, out.toBytes());
    }

    /** @param dims outermost first, as {@link Shape} has them */
    GgufBytes tensor(String name, GgufType type, byte[] data, long... dims) {
        long[] innermostFirst = new long[dims.length];
        for (int i = 0; i < dims.length; i++) innermostFirst[i] = dims[dims.length - 1 - i];
        return tensor(name, number(type), data, -1, innermostFirst);
    }

    /** Zeros of the right size. */
    GgufBytes tensor(String name, GgufType type, long... dims) {
        Shape shape = Shape.of(dims);
        return tensor(name, type, new byte[(int) type.bytes(shape.elements(), dims[dims.length - 1])], dims);
    }

    /** F32. @param dims outermost first */
    public GgufBytes tensor(String name, float[] values, long... dims) {
        Out out = new Out();
        for (float v : values) out.int32(Float.floatToRawIntBits(v));
        return tensor(name, GgufType.F32, out.toBytes(), dims);
    }

    /** @param offset in the tensors' data; −1: behind the one before */
    GgufBytes tensor(String name, int type, byte[] data, long offset, long... innermostFirst) {
        tensors.add(new Tensor(name, type, innermostFirst, data, offset));
        return this;
    }

    private static int number(GgufType type) {
        for (int n = 0; n < 100; n++) if (GgufType.of(n).equals(java.util.Optional.of(type))) return n;
        throw new IllegalArgumentException(type + " has no number");
    }

    public byte[] toBytes() {
        Out out = new Out().int32(magic).int32(version).int64(tensors.size()).int64(keyCount).raw(keys.toBytes());
        Out data = new Out();
        for (Tensor t : tensors) {
            pad(data);
            out.string(t.name).int32(t.dims.length);
            for (long d : t.dims) out.int64(d);
            out.int32(t.type).int64(t.offset >= 0 ? t.offset : data.toBytes().length);
            data.raw(t.data);
        }
        pad(out);
        return out.raw(data.toBytes()).toBytes();
    }

    private void pad(Out out) {
        int size = out.toBytes().length;
        out.raw(new byte[Math.ceilDiv(size, alignment) * alignment - size]);
    }

    public Path write(Path file) {
        try {
            return Files.write(file, toBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
