package dev.skald.compute.reference;

import dev.skald.compute.KvCache;
import dev.skald.compute.KvGroup;
import dev.skald.compute.QuantisedHead;
import dev.skald.tensor.DType;
import dev.skald.tensor.Elements;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * The paged pool of one group: [layers, 2 (keys, values), blocks, blockTokens, kvHeads], and of each head its elements in the group's type; of
 * Q8_0 its integers, then its scales. It starts as NaN, so that whoever reads what nobody wrote will be seen.
 */
final class ReferenceKvCache implements KvCache {
    private static final int KEYS = 0;
    private static final int VALUES = 1;

    private final KvGroup group;
    private final int blocks;
    private final MemorySegment data;

    ReferenceKvCache(Arena arena, List<KvGroup> groups, int blocks) {
        if (groups.size() != 1) throw new IllegalArgumentException(groups.size() + " groups; this device has room for one");
        group = groups.getFirst();
        this.blocks = blocks;
        data = arena.allocate(bytes(), 64);
        // Of Q8_0 the scales become NaN, and integers anything.
        DType nan = group.dtype() == DType.F32 ? DType.F32 : group.dtype() == DType.BF16 ? DType.BF16 : DType.F16;
        for (long i = 0; i < data.byteSize() / nan.bytes(); i++) Elements.set(nan, data, i, Float.NaN);
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
        for (int head = 0; head < group.kvHeads(); head++) {
            int first = head * group.headDim();
            store(at(layer, KEYS, block, tokenInBlock, head), key, first);
            store(at(layer, VALUES, block, tokenInBlock, head), values, valuesAt + first);
        }
    }

    private void store(long at, float[] x, int from) {
        if (!group.dtype().quantised()) {
            for (int i = 0; i < group.headDim(); i++) Elements.set(group.dtype(), head(at), i, x[from + i]);
            return;
        }
        for (int first = 0; first < group.headDim(); first += QuantisedHead.block()) {
            int count = Math.min(QuantisedHead.block(), group.headDim() - first);
            float most = 0;
            for (int i = first; i < first + count; i++) most = QuantisedHead.greater(most, x[from + i]);
            short scale = QuantisedHead.scale(most);
            float inverse = QuantisedHead.inverse(scale);
            data.set(ValueLayout.JAVA_SHORT_UNALIGNED, scaleAt(at, first), scale);
            for (int i = first; i < first + count; i++) data.set(ValueLayout.JAVA_BYTE, at + i, QuantisedHead.quant(x[from + i], inverse));
        }
    }

    private MemorySegment head(long at) {
        return data.asSlice(at, group.headBytes());
    }

    private long scaleAt(long at, int element) {
        return at + group.headDim() + (long) Short.BYTES * (element / QuantisedHead.block());
    }

    /** @param head key/value head @param i element */
    float key(int layer, int block, int tokenInBlock, int head, int i) {
        return element(at(layer, KEYS, block, tokenInBlock, head), i);
    }

    /** @param head key/value head @param i element */
    float value(int layer, int block, int tokenInBlock, int head, int i) {
        return element(at(layer, VALUES, block, tokenInBlock, head), i);
    }

    private float element(long at, int i) {
        if (!group.dtype().quantised()) return Elements.get(group.dtype(), head(at), i);
        return Float.float16ToFloat(data.get(ValueLayout.JAVA_SHORT_UNALIGNED, scaleAt(at, i))) * data.get(ValueLayout.JAVA_BYTE, at + i);
    }

    /** Copies a block's keys and values in all layers. */
    void copyBlock(int source, int target) {
        long bytes = group.blockTokens() * group.kvHeads() * group.headBytes();
        for (int layer = 0; layer < group.layers(); layer++) {
            for (int part = KEYS; part <= VALUES; part++) {
                MemorySegment.copy(data, at(layer, part, source, 0, 0), data, at(layer, part, target, 0, 0), bytes);
            }
        }
    }

    /** First byte of a head. */
    private long at(int layer, int part, int block, int tokenInBlock, int head) {
        if (block < 0 || block >= blocks) throw new IllegalArgumentException("block " + block + " of " + blocks);
        long token = ((2L * layer + part) * blocks + block) * group.blockTokens() + tokenInBlock;
        return (token * group.kvHeads() + head) * group.headBytes();
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
