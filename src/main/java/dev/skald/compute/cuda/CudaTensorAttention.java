package dev.skald.compute.cuda;

import dev.skald.compute.AttentionShape;
import dev.skald.compute.BatchLimits;
import dev.skald.compute.KvGroup;
import dev.skald.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Locale;
import jcuda.driver.CUfunction;
import jcuda.driver.CUstream;

/**
 * Attention on the tensor cores. Once a step a kernel makes the list of its tiles, on the device: chunks of prompts by 64 rows, a row being a
 * token's query head, over all splits of their context; what few rows a sequence has otherwise by split, whose partials a last kernel joins. Grids
 * don't depend on what stands in the list. The bits of a row don't depend on its tile.
 */
final class CudaTensorAttention {
    /** Positions of a split and of a step, rows of a tile, as in native/cuda/attention_tensor.cu. */
    private static final int SPLIT = 256;

    private static final int STEP = 32;
    private static final int TILE = 16;
    private static final int MANY = 4;
    /** Greatest head dimensions that kernels are made for. */
    private static final int[] DIMS = {32, 64, 128};

    private static final int DIM_UNIT = 8;
    private static final int WARPS = Kernels.BLOCK / 32;
    private static final DType[] TYPES = {DType.F16, DType.BF16};
    private static final int MOST_UNITS = 1 << 16;
    private static final long LEAST_PARTIAL_BYTES = 1 << 20;
    private static final long MOST_PARTIAL_BYTES = 64 << 20;
    /** Blocks that run at once on a multiprocessor, and rounds of them: short items even out long ones. */
    private static final int BLOCKS_EACH = 4;

    private final Kernels kernels;
    private final CUstream stream;
    private final int multiprocessors;
    private final CUfunction plan;
    private final CUfunction join;
    private final CUfunction[][] few = new CUfunction[TYPES.length][DIMS.length];
    private final CUfunction[][] many = new CUfunction[TYPES.length][DIMS.length];
    private long partials;
    private long partialBytes;
    private long list;
    private int mostUnits;
    private boolean planned;

    CudaTensorAttention(Kernels kernels, CUstream stream, int multiprocessors) {
        this.kernels = kernels;
        this.stream = stream;
        this.multiprocessors = multiprocessors;
        plan = kernels.function("skald_attention_plan");
        join = kernels.function("skald_attention_join");
        for (int t = 0; t < TYPES.length; t++) {
            for (int d = 0; d < DIMS.length; d++) {
                String name = TYPES[t].name().toLowerCase(Locale.ROOT) + "_" + DIMS[d];
                few[t][d] = kernels.function("skald_attention_few_" + name);
                many[t][d] = kernels.function("skald_attention_many_" + name);
            }
        }
    }

    /** Whether there are kernels for such a cache. */
    static boolean supports(KvGroup group) {
        return List.of(TYPES).contains(group.dtype()) && group.headDim() % DIM_UNIT == 0 && group.headDim() <= DIMS[DIMS.length - 1];
    }

    void start(CudaMemory memory, CudaKvCache cache, BatchLimits limits, long freeBytes) {
        KvGroup group = cache.group();
        partialBytes = Math.clamp(freeBytes / 256, LEAST_PARTIAL_BYTES, MOST_PARTIAL_BYTES);
        partials = memory.allocate(partialBytes, "partial results of attention").value();
        mostUnits = (int) Math.min(MOST_UNITS, partialBytes / unitBytes(group.kvHeads(), group.headDim()));
        int tokens = limits.maxTokens();
        long ints = 4 + Math.ceilDiv(tokens, 4) * 4L + 4L * Math.ceilDiv(tokens, 2) + 4L * (mostUnits + limits.maxSequences());
        list = memory.allocate(4 * ints, "the list of attention's tiles").value();
        int type = type(group);
        int dim = dim(group.headDim());
        kernels.allowShared(few[type][dim], sharedBytes(DIMS[dim], 1));
        kernels.allowShared(many[type][dim], sharedBytes(DIMS[dim], MANY));
    }

    /** For tests: as if there were memory for so many units of partials, a unit being what a token's split comes to. */
    void keepUnits(int units) {
        mostUnits = Math.min(mostUnits, units);
    }

    /** Another step begins. */
    void begin() {
        planned = false;
    }

    /** @param tokens for how many there is room in the grids @param context the longest of the step; while one is recorded, the longest of all */
    void run(MemorySegment step, int tokens, int context, AttentionShape shape, CudaBuffer qkv, CudaKvCache cache, int layer, CudaBuffer out) {
        int perKv = shape.heads() / shape.kvHeads();
        int group = Math.min(perKv, TILE);
        int groups = Math.ceilDiv(perKv, group);
        int units = (int) Math.min(mostUnits, partialBytes / unitBytes(shape.heads(), shape.headDim()));
        Arguments arguments = kernels.arguments().begin(step).put(qkv.address()).put(cache.keys(layer)).put(cache.values(layer));
        arguments.put(out.address()).put(partials).put(list).put(qkv.stride()).put(out.stride()).put(shape.heads()).put(shape.kvHeads());
        arguments.put(shape.headDim()).put(cache.group().blockTokens()).put(units).put(group).put(shape.scale()).put(0);
        if (!planned) kernels.launch(plan, 1, 1, 1, 0, stream);
        planned = true;
        int type = type(cache.group());
        int dim = dim(shape.headDim());
        long splits = Math.ceilDiv(context, SPLIT);
        int items = (int) Math.min(tokens * splits, Math.ceilDiv(multiprocessors * BLOCKS_EACH, shape.kvHeads() * groups));
        kernels.launch(many[type][dim], tiles(tokens, group), shape.kvHeads(), groups, sharedBytes(DIMS[dim], MANY), stream);
        kernels.launch(few[type][dim], items, shape.kvHeads(), groups, sharedBytes(DIMS[dim], 1), stream);
        if (splits > 1) kernels.launch(join, tokens, shape.heads(), 1, 0, stream);
    }

    /** Tiles of chunks that a step of so many tokens can have: a chunk has more than TILE rows, and each a tile that is not full. */
    private static int tiles(int tokens, int group) {
        int leastChunk = TILE / group + 1;
        return tokens < leastChunk ? 0 : Math.min(tokens, Math.ceilDiv(tokens, MANY * TILE / group) + tokens / leastChunk);
    }

    private static long unitBytes(int heads, int headDim) {
        return 4L * heads * (headDim + 2);
    }

    private static int type(KvGroup group) {
        return group.dtype() == DType.F16 ? 0 : 1;
    }

    private static int dim(int headDim) {
        int dim = 0;
        while (DIMS[dim] < headDim) dim++;
        return dim;
    }

    /** Of {@code Tile} in attention_tensor.cu: queries and weights in two 16-bit parts, the greatest scores of steps, and where positions lie. */
    private static int sharedBytes(int dim, int tiles) {
        int rows = TILE * tiles;
        int share = WARPS / tiles;
        int query = dim % 64 == 0 ? dim + 32 : dim;
        return 2 * 2 * rows * (query + share * STEP + 8) + 2 * 4 * rows * share + 4 * SPLIT;
    }
}
