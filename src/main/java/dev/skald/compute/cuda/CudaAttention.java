package dev.skald.compute.cuda;

import dev.skald.compute.AttentionShape;
import dev.skald.compute.BatchLimits;
import dev.skald.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.Locale;
import jcuda.driver.CUfunction;
import jcuda.driver.CUstream;

/**
 * Chooses who attends: the tensor cores where the cache's type and head dimension allow, else the ordinary units. On these it also chooses how
 * attention is divided. With many tokens a block of threads walks over all splits of one token; with few, each split has a block of
 * its own, and a second kernel combines them. The bits are the same.
 */
final class CudaAttention {
    /** Positions of a split, as in native/cuda/attention.cu. */
    private static final int SPLIT = 256;
    /** Query heads that one block serves at most. */
    private static final int[] GROUPS = {1, 2, 4, 8};
    private static final DType[] TYPES = {DType.F32, DType.F16, DType.BF16};
    /** Blocks per multiprocessor from which on nothing is gained by more. */
    private static final int BLOCKS_EACH = 8;
    private static final long MOST_PARTIAL_BYTES = 64 << 20;

    private final Kernels kernels;
    private final CUstream stream;
    private final int multiprocessors;
    private final CUfunction[][] walk = new CUfunction[TYPES.length][GROUPS.length];
    private final CUfunction[][] part = new CUfunction[TYPES.length][GROUPS.length];
    private final CUfunction combine;
    private final CudaTensorAttention tensor;
    private boolean onTensorCores;
    private long partials;
    private long partialBytes;

    CudaAttention(Kernels kernels, CUstream stream, int multiprocessors) {
        this.kernels = kernels;
        this.stream = stream;
        this.multiprocessors = multiprocessors;
        combine = kernels.function("skald_attention_combine");
        tensor = new CudaTensorAttention(kernels, stream, multiprocessors);
        for (int t = 0; t < TYPES.length; t++) {
            for (int g = 0; g < GROUPS.length; g++) {
                String name = TYPES[t].name().toLowerCase(Locale.ROOT) + "_" + GROUPS[g];
                walk[t][g] = kernels.function("skald_attention_walk_" + name);
                part[t][g] = kernels.function("skald_attention_part_" + name);
            }
        }
    }

    void start(CudaMemory memory, CudaKvCache cache, BatchLimits limits, long freeBytes) {
        onTensorCores = CudaTensorAttention.supports(cache.group());
        if (onTensorCores) {
            tensor.start(memory, cache, limits, freeBytes);
            return;
        }
        partialBytes = Math.min(freeBytes / 256, MOST_PARTIAL_BYTES);
        partials = memory.allocate(partialBytes, "partial results of attention").value();
        int type = CudaWeight.typeNumber(cache.group().dtype());
        for (int g = 0; g < GROUPS.length; g++) {
            int shared = sharedBytes(GROUPS[g], cache.group().headDim());
            kernels.allowShared(walk[type][g], shared);
            kernels.allowShared(part[type][g], shared);
        }
    }

    CudaTensorAttention tensor() {
        return tensor;
    }

    /** Another step begins. */
    void begin() {
        tensor.begin();
    }

    /** @param tokens for how many there are blocks @param context the longest of the step; while one is recorded, the longest of all */
    void run(MemorySegment step, int tokens, int context, AttentionShape shape, CudaBuffer qkv, CudaKvCache cache, int layer, CudaBuffer out) {
        if (onTensorCores) {
            tensor.run(step, tokens, context, shape, qkv, cache, layer, out);
            return;
        }
        int perKv = shape.heads() / shape.kvHeads();
        int size = 0;
        while (size < GROUPS.length - 1 && GROUPS[size] < perKv) size++;
        int groups = Math.ceilDiv(perKv, GROUPS[size]);
        int splits = Math.ceilDiv(context, SPLIT);
        long blocks = (long) tokens * shape.kvHeads() * groups;
        long bytes = 4L * tokens * shape.heads() * splits * (shape.headDim() + 2);
        boolean divided = splits > 1 && bytes <= partialBytes && blocks < (long) multiprocessors * BLOCKS_EACH;
        int type = CudaWeight.typeNumber(cache.group().dtype());
        int shared = sharedBytes(GROUPS[size], shape.headDim());
        Arguments arguments = kernels.arguments().begin(step).put(qkv.address()).put(cache.keys(layer)).put(cache.values(layer));
        arguments.put(out.address()).put(partials).put(qkv.stride()).put(out.stride()).put(shape.heads()).put(shape.kvHeads()).put(shape.headDim());
        arguments.put(cache.group().blockTokens()).put(splits).put(shape.scale());
        if (!divided) {
            kernels.launch(walk[type][size], tokens, shape.kvHeads(), groups, shared, stream);
            return;
        }
        kernels.launch(part[type][size], tokens, shape.kvHeads() * groups, splits, shared, stream);
        kernels.launch(combine, tokens, shape.heads(), 1, 0, stream);
    }

    /** Of {@code Shared} in attention.cu: rows, queries, weights, segments, two sums of values, scratch, and what a head's softmax comes to. */
    private static int sharedBytes(int group, int headDim) {
        return 4 * (2 * SPLIT + 3 * group * headDim + group * SPLIT + Kernels.BLOCK + 2 * group * Kernels.BLOCK / 32 + 4 * group);
    }
}
