// Causal attention over the paged cache, ragged: each token attends to its sequence up to itself. A block serves one token and up to GROUP query heads that share
// a key/value head, so that keys and values are read once for them.
//
// Positions are cut into splits of SPLIT at absolute multiples. A split has its own softmax; partials combine in ascending order, by the same arithmetic whether
// one block walks over all splits or each split has a block of its own. So a result depends on the token's own context alone.
#include "skald.cuh"

constexpr int SPLIT = 256;  // positions; one per thread
constexpr int MAX_SEGMENTS = 8;

struct AttentionArgs {
    Step step;
    const float* qkv;    // [tokens, stride]: queries first, a query head after the other
    const void* keys;    // one layer's: [blocks, kvHeads, blockTokens, headDim]
    const void* values;
    float* out;          // [tokens, outStride]
    float* partials;     // [tokens, heads, splits, headDim + 2]: weighted values, greatest score, sum; or null: walk
    int stride, outStride, heads, kvHeads, headDim, blockTokens, splits;
    float scale;
};

/** What a block's threads share; sizes depend on the model alone. */
template <int GROUP> struct Shared {
    float* queries;   // [GROUP, headDim]
    float* weights;   // [GROUP, SPLIT]
    float* segments;  // [BLOCK]
    float* acc;       // [GROUP, headDim]: the split's
    float* total;     // [GROUP, headDim]: all splits' so far
    long long* rows;  // [SPLIT]: where a position's row begins, in elements
    float* scratch;   // [2, GROUP, WARPS]
    float* most;      // [GROUP]: greatest score of the split; then of all so far
    float* sum;       // [GROUP]: Σ exp(score − most), likewise

    __device__ Shared(float* memory, int headDim) {
        rows = reinterpret_cast<long long*>(memory);
        queries = memory + 2 * SPLIT;
        weights = queries + GROUP * headDim;
        segments = weights + GROUP * SPLIT;
        acc = segments + BLOCK;
        total = acc + GROUP * headDim;
        scratch = total + GROUP * headDim;
        most = scratch + 2 * GROUP * WARPS;
        sum = most + 2 * GROUP;
    }
};

/** This split, and then the next: the one place where partials are combined. */
__device__ inline float merged(float a, float x, float b, float y) { return fmaf(b, y, a * x); }

/** Weights exp(score − greatest score) of all positions; with that score and their sum, per head. To be read behind the next barrier. */
template <class T, int GROUP> __device__ void scores(const AttentionArgs& a, const Shared<GROUP>& sh, int slot, int kvHead, int begin, int end) {
    int p = begin + int(threadIdx.x);
    float dots[GROUP];
    for (int g = 0; g < GROUP; g++) dots[g] = 0;
    if (p < end) {
        long long row = (long long)(a.step.block(slot, p / a.blockTokens)) * a.kvHeads + kvHead;
        row = (row * a.blockTokens + p % a.blockTokens) * a.headDim;
        sh.rows[threadIdx.x] = row;
        const T* key = static_cast<const T*>(a.keys) + row;
        for (int d = 0; d < a.headDim; d += 2) {
            float k0 = widen(key[d]), k1 = widen(key[d + 1]);
            for (int g = 0; g < GROUP; g++) {
                const float* q = sh.queries + g * a.headDim + d;
                dots[g] = fmaf(q[1], k1, fmaf(q[0], k0, dots[g]));
            }
        }
    }
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    for (int g = 0; g < GROUP; g++) {
        dots[g] = p < end ? dots[g] * a.scale : -INFINITY;
        float most = warpMax(dots[g]);
        if (lane == 0) sh.scratch[g * WARPS + warp] = most;
    }
    __syncthreads();
    float* sums = sh.scratch + GROUP * WARPS;
    for (int g = 0; g < GROUP; g++) {
        float most = sh.scratch[g * WARPS];
        for (int w = 1; w < WARPS; w++) most = max(most, sh.scratch[g * WARPS + w]);
        float weight = p < end ? expf(dots[g] - most) : 0;
        sh.weights[g * SPLIT + threadIdx.x] = weight;
        float sum = warpSum(weight);
        if (lane == 0) sums[g * WARPS + warp] = sum;
        if (threadIdx.x == 0) sh.most[g] = most;
    }
    __syncthreads();
    if (threadIdx.x < GROUP) {
        const float* parts = sums + threadIdx.x * WARPS;
        float sum = parts[0];
        for (int w = 1; w < WARPS; w++) sum += parts[w];
        sh.sum[threadIdx.x] = sum;
    }
}

/** acc = Σ weight · value. With few elements, several threads share one, each a fixed range of the split. */
template <class T, int GROUP> __device__ void weigh(const AttentionArgs& a, const Shared<GROUP>& sh, int positions) {
    int outputs = GROUP * a.headDim;
    int segments = min(max(BLOCK / outputs, 1), MAX_SEGMENTS);
    int length = (SPLIT + segments - 1) / segments;
    const T* values = static_cast<const T*>(a.values);
    if (segments == 1) {
        for (int o = threadIdx.x; o < outputs; o += BLOCK) {
            float sum = 0;
            for (int p = 0; p < positions; p++) sum = fmaf(sh.weights[o / a.headDim * SPLIT + p], widen(values[sh.rows[p] + o % a.headDim]), sum);
            sh.acc[o] = sum;
        }
        __syncthreads();
        return;
    }
    int segment = threadIdx.x / outputs, o = threadIdx.x % outputs;
    if (segment < segments) {
        float sum = 0;
        for (int p = segment * length; p < min(positions, (segment + 1) * length); p++) {
            sum = fmaf(sh.weights[o / a.headDim * SPLIT + p], widen(values[sh.rows[p] + o % a.headDim]), sum);
        }
        sh.segments[threadIdx.x] = sum;
    }
    __syncthreads();
    if (segment == 0) {
        float sum = sh.segments[o];
        for (int i = 1; i < segments; i++) sum += sh.segments[i * outputs + o];
        sh.acc[o] = sum;
    }
    __syncthreads();
}

/** All splits one after the other; grid (token, kv head, group of heads). */
template <class T, int GROUP> __device__ void walk(const AttentionArgs& a, float* memory) {
    int t = blockIdx.x, kvHead = blockIdx.y;
    if (t >= a.step.tokens()) return;
    int perKv = a.heads / a.kvHeads, first = kvHead * perKv + blockIdx.z * GROUP, heads = min(GROUP, perKv - int(blockIdx.z) * GROUP);
    Shared<GROUP> sh(memory, a.headDim);
    const float* q = a.qkv + size_t(t) * a.stride + size_t(first) * a.headDim;
    for (int i = threadIdx.x; i < GROUP * a.headDim; i += BLOCK) sh.queries[i] = i < heads * a.headDim ? q[i] : 0;
    __syncthreads();
    int end = a.step.position(t) + 1, slot = a.step.tokenSlot(t);
    float* allMost = sh.most + GROUP;
    float* allSum = sh.sum + GROUP;
    for (int begin = 0; begin < end; begin += SPLIT) {
        scores<T, GROUP>(a, sh, slot, kvHead, begin, min(begin + SPLIT, end));
        weigh<T, GROUP>(a, sh, min(SPLIT, end - begin));
        for (int o = threadIdx.x; o < GROUP * a.headDim; o += BLOCK) {
            int g = o / a.headDim;
            float most = begin == 0 ? 0 : max(allMost[g], sh.most[g]);
            sh.total[o] = begin == 0 ? sh.acc[o] : merged(expf(allMost[g] - most), sh.total[o], expf(sh.most[g] - most), sh.acc[o]);
        }
        __syncthreads();
        if (threadIdx.x < GROUP) {
            int g = threadIdx.x;
            float most = begin == 0 ? sh.most[g] : max(allMost[g], sh.most[g]);
            allSum[g] = begin == 0 ? sh.sum[g] : merged(expf(allMost[g] - most), allSum[g], expf(sh.most[g] - most), sh.sum[g]);
            allMost[g] = most;
        }
        __syncthreads();
    }
    float* out = a.out + size_t(t) * a.outStride + size_t(first) * a.headDim;
    for (int i = threadIdx.x; i < heads * a.headDim; i += BLOCK) out[i] = sh.total[i] / allSum[i / a.headDim];
}

/** One split; grid (token, kv head and group of heads, split). */
template <class T, int GROUP> __device__ void part(const AttentionArgs& a, float* memory) {
    int t = blockIdx.x, perKv = a.heads / a.kvHeads, groups = (perKv + GROUP - 1) / GROUP;
    int kvHead = blockIdx.y / groups, group = blockIdx.y % groups, begin = blockIdx.z * SPLIT;
    if (t >= a.step.tokens()) return;
    int end = a.step.position(t) + 1;
    if (begin >= end) return;
    int first = kvHead * perKv + group * GROUP, heads = min(GROUP, perKv - group * GROUP);
    Shared<GROUP> sh(memory, a.headDim);
    const float* q = a.qkv + size_t(t) * a.stride + size_t(first) * a.headDim;
    for (int i = threadIdx.x; i < GROUP * a.headDim; i += BLOCK) sh.queries[i] = i < heads * a.headDim ? q[i] : 0;
    __syncthreads();
    scores<T, GROUP>(a, sh, a.step.tokenSlot(t), kvHead, begin, min(begin + SPLIT, end));
    weigh<T, GROUP>(a, sh, min(SPLIT, end - begin));
    for (int g = 0; g < heads; g++) {
        float* to = a.partials + ((size_t(t) * a.heads + first + g) * a.splits + blockIdx.z) * (a.headDim + 2);
        for (int d = threadIdx.x; d < a.headDim; d += BLOCK) to[d] = sh.acc[g * a.headDim + d];
        if (threadIdx.x == 0) {
            to[a.headDim] = sh.most[g];
            to[a.headDim + 1] = sh.sum[g];
        }
    }
}

/** What the splits of a token and head come to; grid (token, head). */
extern "C" __global__ void __launch_bounds__(BLOCK, 2) skald_attention_combine(AttentionArgs a) {
    int t = blockIdx.x, head = blockIdx.y;
    if (t >= a.step.tokens()) return;
    int splits = (a.step.position(t) + SPLIT) / SPLIT, width = a.headDim + 2;
    const float* from = a.partials + (size_t(t) * a.heads + head) * a.splits * width;
    float* out = a.out + size_t(t) * a.outStride + size_t(head) * a.headDim;
    for (int d = threadIdx.x; d < a.headDim; d += BLOCK) {
        float total = from[d], most = from[a.headDim], sum = from[a.headDim + 1];
        for (int i = 1; i < splits; i++) {
            const float* next = from + size_t(i) * width;
            float greater = max(most, next[a.headDim]), old = expf(most - greater), add = expf(next[a.headDim] - greater);
            total = merged(old, total, add, next[d]);
            sum = merged(old, sum, add, next[a.headDim + 1]);
            most = greater;
        }
        out[d] = total / sum;
    }
}
SKALD_KERNEL(skald_attention_combine)

#define ATTENTION(T, NAME, GROUP)                                                                      \
    extern "C" __global__ void __launch_bounds__(BLOCK, 2) skald_attention_walk_##NAME##_##GROUP(AttentionArgs a) { \
        SKALD_DYNAMIC_SHARED(float, memory);                                                           \
        walk<T, GROUP>(a, memory);                                                                     \
    }                                                                                                  \
    SKALD_KERNEL(skald_attention_walk_##NAME##_##GROUP)                                                \
    extern "C" __global__ void __launch_bounds__(BLOCK, 2) skald_attention_part_##NAME##_##GROUP(AttentionArgs a) { \
        SKALD_DYNAMIC_SHARED(float, memory);                                                           \
        part<T, GROUP>(a, memory);                                                                     \
    }                                                                                                  \
    SKALD_KERNEL(skald_attention_part_##NAME##_##GROUP)
#define ATTENTION_GROUPS(T, NAME) ATTENTION(T, NAME, 1) ATTENTION(T, NAME, 2) ATTENTION(T, NAME, 4) ATTENTION(T, NAME, 8)

ATTENTION_GROUPS(float, f32)
ATTENTION_GROUPS(__half, f16)
ATTENTION_GROUPS(__nv_bfloat16, bf16)
