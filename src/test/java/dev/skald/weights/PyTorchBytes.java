package dev.skald.weights;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Writes what torch.save writes, for tests; wrong things too. */
final class PyTorchBytes {
    /** Opcodes of a pickle. */
    static final class Pickle {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        Pickle() {
            raw(0x80, 2);
        }

        Pickle raw(int... content) {
            for (int b : content) bytes.write(b);
            return this;
        }

        Pickle op(char opcode) {
            return raw(opcode);
        }

        Pickle global(String module, String name) {
            op('c');
            bytes.writeBytes((module + "\n" + name + "\n").getBytes(StandardCharsets.ISO_8859_1));
            return this;
        }

        Pickle text(String text) {
            byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
            op('X');
            bytes.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(utf8.length).array());
            bytes.writeBytes(utf8);
            return this;
        }

        Pickle integer(long value) {
            raw(0x8a, 8);
            bytes.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
            return this;
        }

        Pickle tuple(long... values) {
            op('(');
            for (long v : values) integer(v);
            return op('t');
        }

        /** A name and its tensor, to be set in the dict below. */
        Pickle tensor(String name, String type, String key, long count, long offset, long[] sizes, long[] strides) {
            text(name).global("torch._utils", "_rebuild_tensor_v2").op('(');
            op('(').text("storage").global("torch", type).text(key).text("cpu").integer(count).op('t').op('Q');
            return integer(offset).tuple(sizes).tuple(strides).raw(0x89).op('}').op('t').op('R');
        }

        byte[] toBytes() {
            return bytes.toByteArray();
        }
    }

    private final Map<String, byte[]> entries = new LinkedHashMap<>();
    private boolean compressed;

    PyTorchBytes(byte[] pickle) {
        entry("data.pkl", pickle);
        entry("byteorder", "little".getBytes(StandardCharsets.ISO_8859_1));
    }

    /** Two tensors in two storages, and one more in the first, transposed. */
    static PyTorchBytes sample() {
        Pickle pickle = new Pickle().op('}').op('(')
                .tensor("a", "FloatStorage", "0", 6, 0, new long[] {2, 3}, new long[] {3, 1})
                .tensor("turned", "FloatStorage", "0", 6, 0, new long[] {3, 2}, new long[] {1, 3})
                .tensor("b", "BFloat16Storage", "1", 4, 1, new long[] {3}, new long[] {1})
                .op('u').op('.');
        return new PyTorchBytes(pickle.toBytes()).entry("data/0", floats(1, 2, 3, 4, 5, 6)).entry("data/1", new byte[] {0, 0, (byte) 0x80, 0x3f, 0, 0x40, 0x40, 0x40});
    }

    static byte[] floats(float... values) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float v : values) bytes.putFloat(v);
        return bytes.array();
    }

    PyTorchBytes entry(String name, byte[] content) {
        entries.put("archive/" + name, content);
        return this;
    }

    PyTorchBytes compressed() {
        compressed = true;
        return this;
    }

    byte[] toBytes() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(out)) {
            for (Map.Entry<String, byte[]> e : entries.entrySet()) {
                ZipEntry entry = new ZipEntry(e.getKey());
                if (!compressed) {
                    CRC32 crc = new CRC32();
                    crc.update(e.getValue());
                    entry.setMethod(ZipEntry.STORED);
                    entry.setSize(e.getValue().length);
                    entry.setCrc(crc.getValue());
                }
                zip.putNextEntry(entry);
                zip.write(e.getValue());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }
}
