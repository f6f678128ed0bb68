package dev.skald.weights;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * A file that appears under its name when it is whole, or not at all: written beside it under another name, then renamed. One thread.
 */
public final class NewFile implements AutoCloseable {
    private static final long PIECE = 64 << 20;

    private final Path path;
    private final boolean replace;
    private final Path partial;
    private final FileChannel channel;
    private long written;
    private boolean whole;

    private NewFile(Path path, boolean replace, Path partial, FileChannel channel) {
        this.path = path;
        this.replace = replace;
        this.partial = partial;
        this.channel = channel;
    }

    /**
     * @param replace whether a file of this name may be replaced
     * @throws FileAlreadyExistsException if there is one and it may not
     */
    public static NewFile create(Path path, boolean replace) throws IOException {
        if (!replace && Files.exists(path)) throw new FileAlreadyExistsException(path.toString());
        Path partial = path.resolveSibling("." + path.getFileName() + ".partial");
        // Left by a run that was killed, or being written by another one, which will then fail to rename.
        Files.deleteIfExists(partial);
        FileChannel channel = FileChannel.open(partial, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, StandardOpenOption.READ);
        return new NewFile(path, replace, partial, channel);
    }

    public Path path() {
        return path;
    }

    /** Bytes written so far. */
    public long written() {
        return written;
    }

    public void write(MemorySegment bytes) throws IOException {
        for (long at = 0; at < bytes.byteSize(); at += PIECE) {
            ByteBuffer piece = bytes.asSlice(at, Math.min(PIECE, bytes.byteSize() - at)).asByteBuffer();
            while (piece.hasRemaining()) written += channel.write(piece);
        }
    }

    public void write(byte[] bytes) throws IOException {
        write(MemorySegment.ofArray(bytes));
    }

    /** Zeros, until the length is a multiple of {@code alignment}. */
    public void pad(int alignment) throws IOException {
        write(new byte[(int) (-written & alignment - 1)]);
    }

    /** Overwrites bytes written before. */
    void patch(long at, byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) channel.write(buffer, at + buffer.position());
    }

    /** The file is whole: gives it its name. */
    public void finish() throws IOException {
        channel.close();
        if (!replace && Files.exists(path)) throw new FileAlreadyExistsException(path.toString());
        try {
            Files.move(partial, path, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(partial, path, StandardCopyOption.REPLACE_EXISTING);
        }
        whole = true;
    }

    /** Deletes what was written, unless it is whole. */
    @Override
    public void close() throws IOException {
        channel.close();
        if (!whole) Files.deleteIfExists(partial);
    }
}
