package dev.skald.kv;

import java.util.Arrays;

/** The blocks of one sequence in the order of its positions: token {@code p} is in entry {@code p / blockTokens}. Belongs to the engine thread. */
public final class BlockTable {
    private static final int[] EMPTY = {};

    private int[] blocks = EMPTY;
    private int size;

    public int size() {
        return size;
    }

    public int block(int index) {
        if (index >= size) throw new IndexOutOfBoundsException("entry " + index + " of a table of " + size);
        return blocks[index];
    }

    public void add(int block) {
        if (size == blocks.length) blocks = Arrays.copyOf(blocks, Math.max(8, 2 * size));
        blocks[size++] = block;
    }

    /** Its entries, in order; the caller's own copy. */
    public int[] toArray() {
        return Arrays.copyOf(blocks, size);
    }

    /** Forgets all entries and their array; references are the caller's business. */
    public void clear() {
        blocks = EMPTY;
        size = 0;
    }
}
