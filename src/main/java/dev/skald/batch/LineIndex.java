package dev.skald.batch;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * Which custom_id stands on which line, in 25 to 32 bytes a line. Built by one thread in the order of the lines, then immutable.
 */
final class LineIndex {
    private static final int CHUNK_BITS = 16;
    private static final int CHUNK = 1 << CHUNK_BITS;

    /** Two longs a line, from line 1 on. */
    private final List<long[]> hashes = new ArrayList<>();
    private final BitSet named = new BitSet();
    private final BitSet filled = new BitSet();
    private final BitSet twins = new BitSet();
    private int lines;
    private int[] table = new int[0];

    /** A line with a custom_id of its own. */
    void add(int line, IdHash id) {
        addUnnamed(line);
        named.set(line);
        long[] chunk = hashes.get(line >>> CHUNK_BITS);
        chunk[(line & CHUNK - 1) * 2] = id.high();
        chunk[(line & CHUNK - 1) * 2 + 1] = id.low();
    }

    /** A line that is too broken to have one. */
    void addUnnamed(int line) {
        filled.set(line);
        lines = Math.max(lines, line);
        while (hashes.size() <= line >>> CHUNK_BITS) hashes.add(new long[CHUNK * 2]);
    }

    /** No line is added from here on. */
    void seal() {
        int size = Integer.highestOneBit(Math.max(16, Math.min(1 << 29, named.cardinality()))) * 4;
        table = new int[size];
        for (int line = named.nextSetBit(0); line >= 0; line = named.nextSetBit(line + 1)) {
            int place = place(hash(line));
            if (table[place] == 0) table[place] = line;
            else twins.set(line);
        }
    }

    private IdHash hash(int line) {
        long[] chunk = hashes.get(line >>> CHUNK_BITS);
        return new IdHash(chunk[(line & CHUNK - 1) * 2], chunk[(line & CHUNK - 1) * 2 + 1]);
    }

    /** Of the id, or of the free place where it would stand. */
    private int place(IdHash id) {
        int mask = table.length - 1;
        int place = id.bucket(mask);
        while (table[place] != 0 && !hash(table[place]).equals(id)) place = place + 1 & mask;
        return place;
    }

    /** The first line with this id; 0 for none. */
    int lineOf(IdHash id) {
        return table[place(id)];
    }

    /** Whether an earlier line has the same id. */
    boolean isTwin(int line) {
        return twins.get(line);
    }

    /** Whether the line holds anything. */
    boolean isFilled(int line) {
        return filled.get(line);
    }

    /** Number of the last line that holds anything. */
    int lastLine() {
        return lines;
    }

    /** Lines from..to, both included, that hold anything. */
    int count(int from, int to) {
        return filled.get(from, to + 1).cardinality();
    }
}
