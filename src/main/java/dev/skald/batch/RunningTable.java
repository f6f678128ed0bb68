package dev.skald.batch;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.TreeMap;

/**
 * The lines that are under way, in a file of fixed size: a slot is set before a line is given away and cleared after its record is written.
 * Whatever kills the process leaves them there for the next one. Nothing is forced to disk: a machine that goes down takes no blame on a
 * line. The file also is the lock that makes its holder the only writer. Belongs to the job's thread.
 *
 * <p>Layout, big-endian int64: magic, run, pid, 0, then {@value #SLOTS} slots: 0, or a line's number, with {@link #ALONE} added where it runs
 * alone.
 */
final class RunningTable implements AutoCloseable {
    static final int SLOTS = 16_384;
    private static final long MAGIC = 0x534b414c44524e31L; // "SKALDRN1"
    private static final int HEAD_BYTES = 32;
    static final long ALONE = 1L << 62;

    /** What an earlier run has left. @param run its number, 0 for none, @param lines under way → whether alone */
    record Left(long run, Map<Integer, Boolean> lines) {}

    private final FileChannel file;
    private final FileLock lock;
    private final ArrayDeque<Integer> free = new ArrayDeque<>();
    private final ByteBuffer cell = ByteBuffer.allocate(Long.BYTES);

    private RunningTable(FileChannel file, FileLock lock) {
        this.file = file;
        this.lock = lock;
        for (int i = 0; i < SLOTS; i++) free.add(i);
    }

    /** @throws BatchException if another process, or another job of this one, writes this output */
    static RunningTable open(Path path, Path output) throws IOException {
        FileChannel file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            FileLock lock;
            try {
                lock = file.tryLock();
            } catch (OverlappingFileLockException e) {
                lock = null;
            }
            if (lock == null) {
                long pid = longAt(file, 16);
                throw new BatchException(BatchException.Kind.FAILED, output + " is being written by another `skald batch`"
                        + (pid > 0 ? ", process " + pid : "") + ": wait for it, or name another output");
            }
            return new RunningTable(file, lock);
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private static long longAt(FileChannel file, long position) throws IOException {
        ByteBuffer cell = ByteBuffer.allocate(Long.BYTES);
        while (cell.hasRemaining()) if (file.read(cell, position + cell.position()) < 0) return 0;
        return cell.flip().getLong();
    }

    /** What the last run left behind, unless it ended in order. */
    Left left() throws IOException {
        Map<Integer, Boolean> lines = new TreeMap<>();
        if (longAt(file, 0) != MAGIC) return new Left(0, lines);
        ByteBuffer slots = ByteBuffer.allocate(SLOTS * Long.BYTES);
        while (slots.hasRemaining()) if (file.read(slots, HEAD_BYTES + slots.position()) < 0) break;
        slots.flip();
        while (slots.remaining() >= Long.BYTES) {
            long slot = slots.getLong();
            if (slot != 0) lines.put((int) (slot & ~ALONE), (slot & ALONE) != 0);
        }
        return new Left(longAt(file, 8), lines);
    }

    /** Empties the table for this run. All its blocks are written, so that a full disk is met here and not later. */
    void begin(long run) throws IOException {
        ByteBuffer all = ByteBuffer.allocate(HEAD_BYTES + SLOTS * Long.BYTES);
        all.putLong(0, MAGIC).putLong(8, run).putLong(16, ProcessHandle.current().pid());
        while (all.hasRemaining()) file.write(all, all.position());
    }

    boolean isFull() {
        return free.isEmpty();
    }

    /** @return the slot, to be given back by {@link #clear} */
    int set(int line, boolean alone) throws IOException {
        int slot = free.removeFirst();
        write(slot, alone ? line | ALONE : line);
        return slot;
    }

    void clear(int slot) throws IOException {
        write(slot, 0);
        free.addFirst(slot);
    }

    private void write(int slot, long value) throws IOException {
        cell.clear().putLong(value).flip();
        long position = HEAD_BYTES + (long) slot * Long.BYTES;
        while (cell.hasRemaining()) file.write(cell, position + cell.position());
    }

    /** Gives the lock back; slots stay as they are. */
    @Override
    public void close() throws IOException {
        lock.release();
        file.close();
    }
}
