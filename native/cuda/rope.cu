// Rotates queries in place and keys on their way into the cache; stores keys and values. One block per token.
#include "skald.cuh"

struct RopeArgs {
    Step step;
    float* qkv;          // [tokens, stride]
    const float* table;  // [positions, tableStride]: cosines of a head's first half, then sines
    void* keys;          // one layer's: [blocks, kvHeads, blockTokens, headDim] of the type
    void* values;
    int type, stride, tableStride, heads, kvHeads, headDim, blockTokens, pad;
};

template <class T> __device__ void ropeStore(const RopeArgs& a, int t) {
    int position = a.step.position(t);
    int half = a.headDim / 2;
    const float* cosines = a.table + size_t(position) * a.tableStride;
    float* row = a.qkv + size_t(t) * a.stride;
    int block = a.step.block(a.step.tokenSlot(t), position / a.blockTokens);
    size_t base = (size_t(block) * a.kvHeads * a.blockTokens + position % a.blockTokens) * a.headDim;
    size_t headStride = size_t(a.blockTokens) * a.headDim;
    T* keys = static_cast<T*>(a.keys) + base;
    T* values = static_cast<T*>(a.values) + base;
    for (int i = threadIdx.x; i < (a.heads + a.kvHeads) * half; i += BLOCK) {
        int head = i / half, d = i % half;
        float* pair = row + head * a.headDim + d;
        float x = pair[0], y = pair[half], cosine = cosines[d], sine = cosines[half + d];
        float first = fmaf(x, cosine, -(y * sine));
        float second = fmaf(y, cosine, x * sine);
        if (head < a.heads) {
            pair[0] = first;
            pair[half] = second;
        } else {
            T* key = keys + (head - a.heads) * headStride + d;
            narrow(first, key[0]);
            narrow(second, key[half]);
        }
    }
    const float* v = row + (a.heads + a.kvHeads) * a.headDim;
    for (int i = threadIdx.x; i < a.kvHeads * a.headDim; i += BLOCK) narrow(v[i], values[i / a.headDim * headStride + i % a.headDim]);
}

extern "C" __global__ void __launch_bounds__(BLOCK) skald_rope_store(RopeArgs a) {
    int t = blockIdx.x;
    if (t >= a.step.tokens()) return;
    switch (a.type) {
        case F32: return ropeStore<float>(a, t);
        case F16: return ropeStore<__half>(a, t);
        default: return ropeStore<__nv_bfloat16>(a, t);
    }
}
SKALD_KERNEL(skald_rope_store)
