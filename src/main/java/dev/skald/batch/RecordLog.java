package dev.skald.batch;

import dev.skald.batch.CustomIds.Told;
import dev.skald.batch.LineReader.Line;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.function.Consumer;

/** A file of records, one a line, to which whole records are appended. Appending belongs to the job's thread; forcing may be another's. */
final class RecordLog implements AutoCloseable {
    /** A record may carry log-probabilities of a long answer. */
    static final int MAX_RECORD_BYTES = 64 << 20;

    private final Path path;
    private final FileChannel file;
    private volatile long length;

    private RecordLog(Path path, FileChannel file) {
        this.path = path;
        this.file = file;
    }

    /**
     * Opens or creates it, and repairs it: what stands behind the last whole record is cut off.
     *
     * @param durable bytes that were forced to disk with a checkpoint: a broken record before them is nobody's torn write
     * @param each    told of every record, in order
     * @throws BatchException for a broken record among the durable ones
     */
    static RecordLog open(Path path, long durable, Consumer<Told> each) throws IOException {
        FileChannel file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            RecordLog log = new RecordLog(path, file);
            log.length = log.scan(durable, each);
            if (log.length < file.size()) {
                file.truncate(log.length);
                file.force(true);
            }
            return log;
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    /** @return where the whole records end */
    private long scan(long durable, Consumer<Told> each) throws IOException {
        long size = file.size();
        long at = 0;
        // Not closed: it would take the channel with it.
        InputStream in = Channels.newInputStream(file.position(0));
        LineReader lines = new LineReader(in, MAX_RECORD_BYTES);
        for (Optional<Line> line = lines.next(); line.isPresent(); line = lines.next()) {
            long end = lines.consumed();
            Optional<Told> told = lines.terminated() ? CustomIds.ofRecord(line.get().bytes()) : Optional.empty();
            if (told.isEmpty()) {
                boolean last = end >= size;
                if (!last && end <= durable) {
                    throw new BatchException(BatchException.Kind.FAILED, path + " is damaged: line " + line.get().number()
                            + " is no record, though it was safe on disk; mend or remove that line, then run the same command again");
                }
                return at;
            }
            each.accept(told.get());
            at = end;
        }
        return at;
    }

    /** Writes a whole record. @throws IOException with the torn part taken back, as far as the disk lets us */
    void append(byte[] record) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(record);
        try {
            while (bytes.hasRemaining()) file.write(bytes, length + bytes.position());
        } catch (IOException e) {
            try {
                file.truncate(length);
            } catch (IOException again) {
                e.addSuppressed(again); // the next run will cut it off
            }
            throw e;
        }
        length += record.length;
    }

    /** Forgets all records, durably. */
    void clear() throws IOException {
        file.truncate(0);
        file.force(true);
        length = 0;
    }

    void force() throws IOException {
        file.force(false);
    }

    /** Bytes of whole records. */
    long length() {
        return length;
    }

    Path path() {
        return path;
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
