package dev.skald.compute.reference;

import dev.skald.compute.KvCache;
import dev.skald.compute.KvGroup;
import dev.skald.tensor.DType;
import dev.skald.tensor.Elements;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * The paged pool of one group: [layers, 2 (keys, values), blocks, blockTokens, kvHeads·headDim] in the group's type. It starts as NaN, so that
 * whoever reads what nobody wrote will be seen.
 */
final class ReferenceKvCache implements KvCache {
    private static final int KEYS = 0;
    private static final int VALUES = 1;

    private final KvGroup group;
    private final int blocks;
    private final int width;
    private final MemorySegment data;

    ReferenceKvCache(Arena arena, List<KvGroup> groups, int blocks) {
        if (groups.size() != 1) throw new IllegalArgumentException(groups.size() + " groups; this device has room for one");
        group = groups.getFirst();
        this.blocks = blocks;
        width = group.kvHeads() * group.headDim();
        data = arena.allocate(bytes(), 64);
        DType dtype = group.dtype();
        for (long i = 0; i < data.byteSize() / dtype.bytes(); i++) Elements.set(dtype, data, i, Float.NaN);
    }

    /** @throws IllegalArgumentException if it was made by another device */
    static ReferenceKvCache of(KvCache cache) {
        if (cache instanceof ReferenceKvCache reference) return reference;
        throw new IllegalArgumentException("a cache of another device: " + cache.getClass());
    }

    KvGroup group() {
        return group;
    }

    /** Rounds to the cache's type. @param key [kvHeads·headDim] @param values [kvHeads·headDim] from {@code valuesAt} on */
    void store(int layer, int block, int tokenInBlock, float[] key, float[] values, int valuesAt) {
        long keyAt = index(layer, KEYS, block, tokenInBlock);
        long valueAt = index(layer, VALUES, block, tokenInBlock);
        for (int i = 0; i < width; i++) {
            Elements.set(group.dtype(), data, keyAt + i, key[i]);
            Elements.set(group.dtype(), data, valueAt + i, values[valuesAt + i]);
        }
    }

    /** @param head key/value head @param i element */
    float key(int layer, int block, int tokenInBlock, int head, int i) {
        return Elements.get(group.dtype(), data, index(layer, KEYS, block, tokenInBlock) + (long) head * group.headDim() + i);
    }

    /** @param head key/value head @param i element */
    float value(int layer, int block, int tokenInBlock, int head, int i) {
        return Elements.get(group.dtype(), data, index(layer, VALUES, block, tokenInBlock) + (long) head * group.headDim() + i);
    }

    /** Copies a block's keys and values in all layers. */
    void copyBlock(int source, int target) {
        long bytes = group.dtype().bytes((long) group.blockTokens() * width);
        for (int layer = 0; layer < group.layers(); layer++) {
            for (int part = KEYS; part <= VALUES; part++) {
                long from = group.dtype().bytes(index(layer, part, source, 0));
                MemorySegment.copy(data, from, data, group.dtype().bytes(index(layer, part, target, 0)), bytes);
            }
        }
    }

    private long index(int layer, int part, int block, int tokenInBlock) {
        if (block < 0 || block >= blocks) throw new IllegalArgumentException("block " + block + " of " + blocks);
        return (((2L * layer + part) * blocks + block) * group.blockTokens() + tokenInBlock) * width;
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
