package dev.skald.compute.cuda;

import dev.skald.compute.KvCache;
import dev.skald.compute.TestDevice;
import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import dev.skald.tensor.Elements;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** Opens the CUDA device's memory to tests; the device is the software one. */
public final class CudaTestDevice implements TestDevice {
    private final CudaDevice device;

    public CudaTestDevice(boolean batchInvariant) {
        this(batchInvariant, SimCuda.kernels());
    }

    CudaTestDevice(boolean batchInvariant, Path kernels) {
        this(new CudaSettings(0, batchInvariant, kernels));
    }

    CudaTestDevice(CudaSettings settings) {
        SimCuda.use();
        try {
            device = CudaDevice.open(settings);
        } catch (CudaUnavailableException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public CudaDevice device() {
        return device;
    }

    @Override
    public void write(Buffer buffer, int row, float... values) {
        new CudaProbe(device).write(buffer, row, values);
    }

    @Override
    public float[] read(Buffer buffer, int row) {
        return new CudaProbe(device).read(buffer, row);
    }

    @Override
    public float[] keys(KvCache cache, int layer, int block, int tokenInBlock) {
        return all(CudaKvCache.of(cache), CudaKvCache.of(cache).keys(layer), block, tokenInBlock);
    }

    @Override
    public float[] values(KvCache cache, int layer, int block, int tokenInBlock) {
        return all(CudaKvCache.of(cache), CudaKvCache.of(cache).values(layer), block, tokenInBlock);
    }

    /** A block lies as [kv head, token in block, head dimension]. */
    private float[] all(CudaKvCache kv, long part, int block, int tokenInBlock) {
        int dim = kv.group().headDim();
        int tokens = kv.group().blockTokens();
        DType dtype = kv.group().dtype();
        float[] row = new float[kv.group().kvHeads() * dim];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(kv.blockBytes(), 4);
            device.read(part + block * kv.blockBytes(), host);
            for (int i = 0; i < row.length; i++) row[i] = Elements.get(dtype, host, ((long) (i / dim) * tokens + tokenInBlock) * dim + i % dim);
        }
        return row;
    }
}
