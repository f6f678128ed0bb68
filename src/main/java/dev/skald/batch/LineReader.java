package dev.skald.batch;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;

/** Cuts bytes into lines, numbered from 1; holds no more than one line. Belongs to one thread. */
final class LineReader implements AutoCloseable {
    /** A longer line is skipped, and told as such. */
    static final int MAX_LINE_BYTES = 16 << 20;

    /** @param bytes without the line's end; empty if it is too long */
    record Line(int number, byte[] bytes, boolean tooLong) {
        boolean isBlank() {
            if (tooLong) return false;
            for (byte b : bytes) if (b != ' ' && b != '\t') return false;
            return true;
        }
    }

    private final InputStream in;
    private final int maxBytes;
    private final byte[] buffer = new byte[1 << 16];
    private int at;
    private int end;
    private int number;
    private long consumed;
    private boolean terminated;

    LineReader(InputStream in) {
        this(in, MAX_LINE_BYTES);
    }

    LineReader(InputStream in, int maxBytes) {
        this.in = in;
        this.maxBytes = maxBytes;
    }

    /** @return empty at the end; a last line without an end counts */
    Optional<Line> next() throws IOException {
        if (at == end && !fill()) return Optional.empty();
        if (number == Integer.MAX_VALUE - 1) throw new IOException("more than " + number + " lines");
        number++;
        ByteArrayOutputStream begun = null;
        long length = 0;
        while (true) {
            int stop = at;
            while (stop < end && buffer[stop] != '\n') stop++;
            length += stop - at;
            boolean whole = stop < end;
            if (whole && begun == null) {
                byte[] bytes = java.util.Arrays.copyOfRange(buffer, at, stop);
                at = stop + 1;
                return Optional.of(line(bytes, length, true));
            }
            if (begun == null) begun = new ByteArrayOutputStream();
            if (length <= maxBytes) begun.write(buffer, at, stop - at);
            at = whole ? stop + 1 : stop;
            if (whole || !fill()) return Optional.of(line(begun.toByteArray(), length, whole));
        }
    }

    /** Bytes up to here, ends of lines included. */
    long consumed() {
        return consumed;
    }

    /** Whether the last line that was given had its end. */
    boolean terminated() {
        return terminated;
    }

    private Line line(byte[] bytes, long length, boolean whole) {
        consumed += length + (whole ? 1 : 0);
        terminated = whole;
        if (length > maxBytes) return new Line(number, new byte[0], true);
        int from = number == 1 && bytes.length >= 3 && bytes[0] == (byte) 0xef && bytes[1] == (byte) 0xbb && bytes[2] == (byte) 0xbf ? 3 : 0;
        int to = bytes.length > from && bytes[bytes.length - 1] == '\r' ? bytes.length - 1 : bytes.length;
        return new Line(number, from == 0 && to == bytes.length ? bytes : java.util.Arrays.copyOfRange(bytes, from, to), false);
    }

    private boolean fill() throws IOException {
        at = 0;
        end = Math.max(0, in.read(buffer));
        return end > 0;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
