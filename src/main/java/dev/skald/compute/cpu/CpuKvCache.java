package dev.skald.compute.cpu;

import dev.skald.compute.KvCache;
import dev.skald.compute.KvGroup;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * The pool of keys and values. Keys lie as [layer, block, head, headDim, 16 slots]: a vector holds one element of 16 tokens, so a query meets
 * 16 keys at once and no lane is ever summed with another. Values lie as [layer, block, head, 16 slots, headDim]: a vector holds elements
 * of one token. In Q8_0 the same integers are followed by their scales, in f16: keys' as [⌈headDim/32⌉, 16 slots], values' as [16 slots, ⌈headDim/32⌉].
 * Slots that no sequence has written hold anything, NaN too; kernels select them away.
 */
final class CpuKvCache implements KvCache {
    static final int BLOCK_TOKENS = 16;

    private final KvGroup group;
    private final int blocks;
    private final MemorySegment memory;

    CpuKvCache(NativeMemory pool, List<KvGroup> groups, int blocks) {
        if (groups.size() != 1) throw new IllegalArgumentException(groups.size() + " groups; this device has room for one");
        group = groups.getFirst();
        this.blocks = blocks;
        if (group.blockTokens() != BLOCK_TOKENS) {
            throw new IllegalArgumentException("blocks of " + group.blockTokens() + " tokens; these kernels read " + BLOCK_TOKENS);
        }
        memory = pool.allocate(bytes());
    }

    /** @throws IllegalArgumentException if it was made by another device */
    static CpuKvCache of(KvCache cache) {
        if (cache instanceof CpuKvCache ours) return ours;
        throw new IllegalArgumentException("a cache of another device: " + cache.getClass());
    }

    KvGroup group() {
        return group;
    }

    MemorySegment memory() {
        return memory;
    }

    /** Bytes of one head's keys (or values) in one block. */
    long headBytes() {
        return BLOCK_TOKENS * group.headBytes();
    }

    /** Bytes of all heads' keys (or values) in one block of one layer. */
    long blockBytes() {
        return headBytes() * group.kvHeads();
    }

    /** Address of block 0, head 0 of a layer's keys. */
    long keys(int layer) {
        if (layer < 0 || layer >= group.layers()) throw new IllegalArgumentException("layer " + layer + " of " + group.layers());
        return memory.address() + 2L * layer * blocks * blockBytes();
    }

    /** Address of block 0, head 0 of a layer's values. */
    long values(int layer) {
        return keys(layer) + blocks * blockBytes();
    }

    @Override
    public List<KvGroup> groups() {
        return List.of(group);
    }

    @Override
    public int blocks() {
        return blocks;
    }

    @Override
    public long bytes() {
        return Math.multiplyExact(group.bytesPerBlock(), (long) blocks);
    }
}
