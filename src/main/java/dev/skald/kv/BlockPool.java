package dev.skald.kv;

import java.util.Arrays;
import java.util.function.IntConsumer;

/**
 * The blocks of the KV cache and who counts on them. A block is in exactly one of three states: <i>used</i> (somebody references it),
 * <i>idle</i> (nobody does, but the prefix index knows its content) or <i>free</i>. Idle blocks are given out like free ones, after those,
 * the longest unused first. Every operation is O(1). Belongs to the engine thread.
 */
public final class BlockPool {
    private static final int NONE = -1;

    private final int[] references;
    private final boolean[] indexed;
    private final int[] free;
    private int freeCount;

    // The idle blocks as a list from the longest unused to the last used.
    private final int[] older;
    private final int[] newer;
    private int oldest = NONE;
    private int newest = NONE;
    private int idleCount;

    private IntConsumer evicted = block -> {};

    /** @param blocks how many there are; numbered from 0 */
    public BlockPool(int blocks) {
        if (blocks < 1) throw new IllegalArgumentException("a pool of " + blocks + " blocks");
        references = new int[blocks];
        indexed = new boolean[blocks];
        older = new int[blocks];
        newer = new int[blocks];
        free = new int[blocks];
        // Low numbers first: a small load stays in a small part of the memory.
        for (int i = 0; i < blocks; i++) free[i] = blocks - 1 - i;
        freeCount = blocks;
    }

    /** Who is told, before a block changes hands, that its indexed content is about to be lost. */
    void onEviction(IntConsumer listener) {
        evicted = listener;
    }

    public int total() {
        return references.length;
    }

    /** Blocks that {@link #allocate} can give: free and idle ones. */
    public int available() {
        return freeCount + idleCount;
    }

    /** Blocks that somebody references. {@code available() + used() == total()}, always. */
    public int used() {
        return total() - available();
    }

    /** Blocks that hold an indexed prefix and that nobody references. */
    public int idle() {
        return idleCount;
    }

    public int references(int block) {
        return references[block];
    }

    /** Whether nobody references the block and the prefix index knows its content. */
    public boolean isIdle(int block) {
        return references[block] == 0 && indexed[block];
    }

    /** @return a block with one reference, its content undefined @throws IllegalStateException if none is available */
    public int allocate() {
        int block;
        if (freeCount > 0) {
            block = free[--freeCount];
        } else if (oldest != NONE) {
            block = oldest;
            unlink(block);
            indexed[block] = false;
            evicted.accept(block);
        } else {
            throw new IllegalStateException("all " + total() + " blocks are used");
        }
        references[block] = 1;
        return block;
    }

    /** One reference more, to a used or an idle block. */
    public void retain(int block) {
        if (references[block] == 0) {
            if (!indexed[block]) throw new IllegalStateException("block " + block + " is free: its content is undefined");
            unlink(block);
        }
        references[block]++;
    }

    /** One reference less; with the last one the block becomes idle if it is indexed, else free. */
    public void release(int block) {
        if (references[block] == 0) throw new IllegalStateException("block " + block + " is released more often than retained");
        if (--references[block] > 0) return;
        if (indexed[block]) append(block);
        else free[freeCount++] = block;
    }

    /** The prefix index knows the content of this used block from now on. */
    void setIndexed(int block) {
        if (references[block] == 0) throw new IllegalStateException("block " + block + " is not used: nobody vouches for its content");
        indexed[block] = true;
    }

    /** The prefix index has forgotten the block; if nobody uses it, it is free. */
    void clearIndexed(int block) {
        if (!indexed[block]) throw new IllegalStateException("block " + block + " is not indexed");
        indexed[block] = false;
        if (references[block] > 0) return;
        unlink(block);
        free[freeCount++] = block;
    }

    /** Counts again from scratch, in O(blocks). @throws IllegalStateException if a block is lost or counted twice */
    public void verify() {
        int used = 0;
        for (int r : references) if (r > 0) used++;
        boolean[] seen = new boolean[total()];
        for (int i = 0; i < freeCount; i++) see(seen, free[i], false);
        int idle = 0;
        for (int b = oldest; b != NONE; b = newer[b], idle++) see(seen, b, true);
        if (idle != idleCount || used + idle + freeCount != total()) {
            throw new IllegalStateException(used + " used + " + idle + " idle + " + freeCount + " free blocks are not " + total());
        }
    }

    private void see(boolean[] seen, int block, boolean asIdle) {
        if (seen[block] || references[block] != 0 || indexed[block] != asIdle) {
            throw new IllegalStateException("block " + block + " is in two states: " + Arrays.toString(new int[] {references[block], asIdle ? 1 : 0}));
        }
        seen[block] = true;
    }

    private void append(int block) {
        older[block] = newest;
        newer[block] = NONE;
        if (newest == NONE) oldest = block;
        else newer[newest] = block;
        newest = block;
        idleCount++;
    }

    private void unlink(int block) {
        int before = older[block];
        int after = newer[block];
        if (before == NONE) oldest = after;
        else newer[before] = after;
        if (after == NONE) newest = before;
        else older[after] = before;
        idleCount--;
    }
}
