package dev.skald.kv;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Finds blocks by what they hold. A full block's content is its own tokens after everything before it, so blocks form chains: a node is a block,
 * its tokens and the node before it; the first node's predecessor is a {@link Root}, one per salt. The weights and the cache's dtype are the
 * pool's own: an index never outlives them.
 *
 * <p>A hit compares the stored token ids and the identity of the predecessor; the hash only says where to look. Node identities are numbers
 * that are never used again: if a node is evicted before its successors, they can't be reached any more and age out. Belongs to the engine thread.
 */
public final class PrefixIndex {
    private static final int NONE = -1;

    /** Where the chains of one salt begin. Kept while somebody or an indexed block counts on it. */
    public static final class Root {
        private final String salt;
        private final long identity;
        private int users;

        private Root(String salt, long identity) {
            this.salt = salt;
            this.identity = identity;
        }

        /** What the first block of a chain follows on. */
        public long identity() {
            return identity;
        }
    }

    private final BlockPool pool;
    private final int blockTokens;
    private final Map<String, Root> roots = new HashMap<>();
    private final Root[] rootOf;
    private final long[] identity;
    private final long[] previous;
    private final int[] tokens;
    private final int[] heads;
    private final int[] nextInBucket;
    private long lastIdentity;
    private int size;

    /** @param blockTokens tokens per block */
    public PrefixIndex(BlockPool pool, int blockTokens) {
        if (blockTokens < 1) throw new IllegalArgumentException("blocks of " + blockTokens + " tokens");
        this.pool = pool;
        this.blockTokens = blockTokens;
        int blocks = pool.total();
        rootOf = new Root[blocks];
        identity = new long[blocks];
        previous = new long[blocks];
        tokens = new int[Math.multiplyExact(blocks, blockTokens)];
        nextInBucket = new int[blocks];
        heads = new int[Integer.highestOneBit(Math.max(8, blocks)) * 2];
        Arrays.fill(heads, NONE);
        pool.onEviction(this::drop);
    }

    /** Indexed blocks. */
    public int size() {
        return size;
    }

    /** Salts that are remembered. */
    int roots() {
        return roots.size();
    }

    /** The root of a salt, held until {@link #release}. Different salts share nothing. */
    public Root root(String salt) {
        Root root = roots.computeIfAbsent(salt, s -> new Root(s, ++lastIdentity));
        root.users++;
        return root;
    }

    public void release(Root root) {
        if (--root.users == 0) roots.remove(root.salt);
    }

    /**
     * Looks a prefix up. Takes no references: retain what is found before anything is allocated.
     *
     * @param ids   token ids from position 0 on
     * @param limit how many of them a hit may cover at most
     * @param found out: the blocks, in order
     * @return how many full blocks were found
     */
    public int match(Root root, int[] ids, int limit, int[] found) {
        long at = root.identity;
        int n = 0;
        for (int from = 0; from + blockTokens <= limit; from += blockTokens) {
            int block = find(at, ids, from);
            if (block == NONE) break;
            found[n++] = block;
            at = identity[block];
        }
        return n;
    }

    /** The identity of an indexed block: what its successor in a chain follows on. */
    public long identity(int block) {
        if (identity[block] == 0) throw new IllegalStateException("block " + block + " is not indexed");
        return identity[block];
    }

    /**
     * Indexes a used block whose keys and values have been computed. If another block with this content is known, that one stays.
     *
     * @param after identity of the block before it, or of the root
     * @param from  position of the block's first token in {@code ids}
     * @return the identity that the next block of the chain follows on
     */
    public long insert(Root root, long after, int block, int[] ids, int from) {
        int known = find(after, ids, from);
        if (known != NONE) return identity[known];
        if (identity[block] != 0) {
            // Shared by two sequences, one of which indexed it behind a block that has been forgotten since: it gets a reachable place.
            if (!holds(block, ids, from)) throw new IllegalStateException("block " + block + " is indexed with other content");
            drop(block);
        }
        int bucket = bucket(after, ids, from);
        System.arraycopy(ids, from, tokens, block * blockTokens, blockTokens);
        identity[block] = ++lastIdentity;
        previous[block] = after;
        rootOf[block] = root;
        root.users++;
        nextInBucket[block] = heads[bucket];
        heads[bucket] = block;
        size++;
        pool.setIndexed(block);
        return identity[block];
    }

    /** Whether this very block is indexed (an equal one may be instead). */
    public boolean contains(int block) {
        return identity[block] != 0;
    }

    /** Forgets the block if it is indexed; who references it keeps it. */
    public void forget(int block) {
        if (!contains(block)) return;
        drop(block);
        pool.clearIndexed(block);
    }

    /** Forgets what is indexed of these tokens past the first {@code keep}. */
    public void forget(String salt, int[] ids, int length, int keep) {
        Root root = roots.get(salt);
        if (root == null) return;
        int[] found = new int[length / blockTokens];
        int n = match(root, ids, length, found);
        for (int i = n - 1; i >= keep / blockTokens; i--) forget(found[i]);
    }

    /** Forgets everything. */
    public void flush() {
        for (int block = 0; block < identity.length; block++) forget(block);
    }

    private int find(long after, int[] ids, int from) {
        for (int block = heads[bucket(after, ids, from)]; block != NONE; block = nextInBucket[block]) {
            if (previous[block] == after && holds(block, ids, from)) return block;
        }
        return NONE;
    }

    private boolean holds(int block, int[] ids, int from) {
        int at = block * blockTokens;
        return Arrays.equals(tokens, at, at + blockTokens, ids, from, from + blockTokens);
    }

    /** Takes a block out of the index; the pool knows already or is told by the caller. */
    private void drop(int block) {
        int bucket = bucket(previous[block], tokens, block * blockTokens);
        if (heads[bucket] == block) {
            heads[bucket] = nextInBucket[block];
        } else {
            int before = heads[bucket];
            while (nextInBucket[before] != block) before = nextInBucket[before];
            nextInBucket[before] = nextInBucket[block];
        }
        identity[block] = 0;
        release(rootOf[block]);
        rootOf[block] = null;
        size--;
    }

    private int bucket(long after, int[] ids, int from) {
        long h = after * 0x9E3779B97F4A7C15L;
        for (int i = from; i < from + blockTokens; i++) h = (h ^ ids[i]) * 0xD6E8FEB86659FD93L + (h >>> 29);
        h ^= h >>> 32;
        return (int) h & (heads.length - 1);
    }
}
