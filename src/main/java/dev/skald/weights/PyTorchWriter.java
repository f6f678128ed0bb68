package dev.skald.weights;

import dev.skald.tensor.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.zip.CRC32;

/**
 * Writes a state dict as {@code torch.save} does: an uncompressed zip of a pickle and one record of bytes for each tensor, aligned, so that it can
 * be mapped.
 */
public final class PyTorchWriter {
    /** Beyond this an archive needs the 64-bit form, which isn't written. */
    public static final long MAX_BYTES = 0xffff_ffffL;

    private static final int ALIGNMENT = 64;
    private static final int LOCAL = 0x04034b50;
    private static final int CENTRAL = 0x02014b50;
    private static final int END = 0x06054b50;
    private static final int LOCAL_BYTES = 30;
    private static final int CRC_AT = 14;
    private static final short VERSION = 20;
    /** 1980-01-01, the format's beginning: the same file at any time. */
    private static final short DATE = 0x21;
    /** An extra field that readers skip. */
    private static final short PADDING_ID = 0x4246;

    private record Written(String name, int crc, long bytes, long at) {}

    private final NewFile file;
    private final List<Written> records = new ArrayList<>();

    private PyTorchWriter(NewFile file) {
        this.file = file;
    }

    /**
     * @param stem   the file's name without its ending, which is the archive's folder
     * @param names  of the tensors, in order
     * @param tensor gives them, F32, F16 or BF16; called twice for each, so nothing need be kept
     * @param file   empty so far; the caller finishes it
     */
    public static void write(String stem, List<String> names, Function<String, Tensor> tensor, NewFile file) throws IOException {
        PyTorchWriter writer = new PyTorchWriter(file);
        writer.add(stem + "/data.pkl", MemorySegment.ofArray(PickleWriter.stateDict(names.stream().map(tensor).toList())));
        writer.add(stem + "/byteorder", MemorySegment.ofArray("little".getBytes(StandardCharsets.US_ASCII)));
        for (int i = 0; i < names.size(); i++) writer.add(stem + "/data/" + i, tensor.apply(names.get(i)).data());
        writer.add(stem + "/version", MemorySegment.ofArray("3\n".getBytes(StandardCharsets.US_ASCII)));
        writer.end();
    }

    private void add(String name, MemorySegment bytes) throws IOException {
        byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
        long at = file.written();
        if (at + bytes.byteSize() > MAX_BYTES) throw new IOException("an archive of more than 4 GiB is not built");
        int padding = (int) (-(at + LOCAL_BYTES + utf8.length + 4) & ALIGNMENT - 1);
        ByteBuffer header = little(LOCAL_BYTES + utf8.length + 4 + padding);
        header.putInt(LOCAL);
        common(header, 0, bytes.byteSize(), utf8.length, 4 + padding);
        header.put(utf8).putShort(PADDING_ID).putShort((short) padding);
        file.write(header.array());
        int crc = append(bytes);
        file.patch(at + CRC_AT, little(4).putInt(crc).array());
        records.add(new Written(name, crc, bytes.byteSize(), at));
    }

    /** What both kinds of header share: version … length of the extra field. */
    private static void common(ByteBuffer header, int crc, long bytes, int nameBytes, int extraBytes) {
        header.putShort(VERSION).putShort((short) 0).putShort((short) 0).putShort((short) 0).putShort(DATE);
        header.putInt(crc).putInt((int) bytes).putInt((int) bytes).putShort((short) nameBytes).putShort((short) extraBytes);
    }

    private int append(MemorySegment bytes) throws IOException {
        CRC32 crc = new CRC32();
        long piece = 1 << 24;
        for (long at = 0; at < bytes.byteSize(); at += piece) {
            MemorySegment some = bytes.asSlice(at, Math.min(piece, bytes.byteSize() - at));
            crc.update(some.asByteBuffer());
            file.write(some);
        }
        return (int) crc.getValue();
    }

    private void end() throws IOException {
        ByteArrayOutputStream directory = new ByteArrayOutputStream();
        for (Written record : records) {
            byte[] utf8 = record.name().getBytes(StandardCharsets.UTF_8);
            ByteBuffer header = little(46 + utf8.length);
            header.putInt(CENTRAL).putShort(VERSION);
            common(header, record.crc(), record.bytes(), utf8.length, 0);
            // comment, disk, attributes
            header.putShort((short) 0).putShort((short) 0).putShort((short) 0).putInt(0).putInt((int) record.at()).put(utf8);
            directory.writeBytes(header.array());
        }
        long at = file.written();
        if (at + directory.size() > MAX_BYTES) throw new IOException("an archive of more than 4 GiB is not built");
        short count = (short) records.size();
        file.write(directory.toByteArray());
        file.write(little(22).putInt(END).putInt(0).putShort(count).putShort(count).putInt(directory.size()).putInt((int) at).putShort((short) 0).array());
    }

    private static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
