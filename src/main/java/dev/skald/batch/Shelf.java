package dev.skald.batch;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

/** Keeps answers until those before them are written, where the output is to be in the input's order. Belongs to the job's thread. */
final class Shelf {
    /** Beyond this, only the line that all others wait for is begun. */
    private static final long MAX_BYTES = 64L << 20;
    /** Stands for a line that leaves nothing in the output. */
    private static final byte[] NOTHING = new byte[0];

    /** Writes a record. */
    interface Writer {
        void write(byte[] record) throws IOException;
    }

    private final boolean ordered;
    private final int reach;
    private final Writer writer;
    private final Map<Long, byte[]> held = new HashMap<>();
    private long next;
    private long bytes;

    /** @param reach lines that may be begun before the first unwritten one is written */
    Shelf(boolean ordered, int reach, Writer writer) {
        this.ordered = ordered;
        this.reach = reach;
        this.writer = writer;
    }

    /** Writes the record now, or when its turn comes. @param place −1: now, whatever the order */
    void put(long place, byte[] record) throws IOException {
        if (!ordered || place < 0) {
            writer.write(record);
            return;
        }
        held.put(place, record);
        bytes += record.length;
        writeDue();
    }

    /** The line of this place leaves nothing in the output. */
    void skip(long place) throws IOException {
        if (!ordered || place < 0) return;
        held.put(place, NOTHING);
        writeDue();
    }

    private void writeDue() throws IOException {
        for (byte[] due = held.get(next); due != null; due = held.get(next)) {
            if (due.length > 0) writer.write(due);
            held.remove(next++);
            bytes -= due.length;
        }
    }

    /** Whether a line of this place may be begun. */
    boolean mayBegin(long place) {
        return !ordered || place <= next || place < next + reach && bytes < MAX_BYTES;
    }

    /** The place that all others wait for. */
    long next() {
        return next;
    }
}
