package dev.skald.compute.cuda;

import dev.skald.compute.KvCache;
import dev.skald.compute.KvGroup;
import java.util.List;

/**
 * The paged pool of one group: [layers, 2 (keys, values), blocks, kvHeads, blockTokens, headDim], so that what one head reads of a block lies
 * together.
 */
record CudaKvCache(KvGroup group, int blocks, long address) implements KvCache {
    /** @throws IllegalArgumentException if another device made it */
    static CudaKvCache of(KvCache cache) {
        if (cache instanceof CudaKvCache cuda) return cuda;
        throw new IllegalArgumentException("a cache of another device: " + cache.getClass());
    }

    long keys(int layer) {
        return address + 2L * layer * partBytes();
    }

    long values(int layer) {
        return keys(layer) + partBytes();
    }

    /** Bytes of one layer's keys, or values. */
    long partBytes() {
        return blockBytes() * blocks;
    }

    /** Bytes of one block's keys in one layer, or values. */
    long blockBytes() {
        return group.dtype().bytes((long) group.blockTokens() * group.kvHeads() * group.headDim());
    }

    @Override
    public List<KvGroup> groups() {
        return List.of(group);
    }

    @Override
    public long bytes() {
        return Math.multiplyExact(group.bytesPerBlock(), (long) blocks);
    }
}
