package dev.skald.compute.reference;

import dev.skald.compute.Device;
import dev.skald.compute.KvCache;
import dev.skald.compute.KvGroup;
import dev.skald.compute.TestDevice;
import dev.skald.tensor.Buffer;

/** Opens the reference device's memory to tests. */
public final class ReferenceTestDevice implements TestDevice {
    private final ReferenceDevice device = new ReferenceDevice();

    @Override
    public Device device() {
        return device;
    }

    @Override
    public void write(Buffer buffer, int row, float... values) {
        new ReferenceProbe().write(buffer, row, values);
    }

    @Override
    public float[] read(Buffer buffer, int row) {
        return new ReferenceProbe().read(buffer, row);
    }

    @Override
    public float[] keys(KvCache cache, int layer, int block, int tokenInBlock) {
        ReferenceKvCache kv = ReferenceKvCache.of(cache);
        return all(kv.group(), (head, i) -> kv.key(layer, block, tokenInBlock, head, i));
    }

    @Override
    public float[] values(KvCache cache, int layer, int block, int tokenInBlock) {
        ReferenceKvCache kv = ReferenceKvCache.of(cache);
        return all(kv.group(), (head, i) -> kv.value(layer, block, tokenInBlock, head, i));
    }

    private interface Element {
        float get(int head, int i);
    }

    private static float[] all(KvGroup group, Element element) {
        float[] row = new float[group.kvHeads() * group.headDim()];
        for (int j = 0; j < row.length; j++) row[j] = element.get(j / group.headDim(), j % group.headDim());
        return row;
    }
}
