// Rows found by number: a token's embedding, and the rows whose logits are wanted. One block per row.
#include "skald.cuh"

struct EmbedArgs {
    Step step;
    const void* table;  // [vocabulary, cols] of the type
    float* x;           // [tokens, stride]
    int type, cols, stride, pad;
};

template <class T> __device__ void copyRow(const T* from, float* to, int cols) {
    for (int i = threadIdx.x; i < cols; i += BLOCK) to[i] = widen(from[i]);
}

/** A token of −1 is its slot's last. If that could not be drawn, the row becomes NaN, so that its sequence fails and no other. */
extern "C" __global__ void __launch_bounds__(BLOCK) skald_embed(EmbedArgs a) {
    int t = blockIdx.x;
    if (t >= a.step.tokens()) return;
    int id = a.step.tokenId(t);
    if (id < 0) id = a.step.lastTokens[a.step.tokenSlot(t)];
    float* to = a.x + size_t(t) * a.stride;
    if (id < 0) {
        for (int i = threadIdx.x; i < a.cols; i += BLOCK) to[i] = __int_as_float(0x7fc00000);
        return;
    }
    size_t row = size_t(id) * a.cols;
    switch (a.type) {
        case F32: return copyRow(static_cast<const float*>(a.table) + row, to, a.cols);
        case F16: return copyRow(static_cast<const __half*>(a.table) + row, to, a.cols);
        default: return copyRow(static_cast<const __nv_bfloat16*>(a.table) + row, to, a.cols);
    }
}
SKALD_KERNEL(skald_embed)

struct GatherArgs {
    Step step;
    const float* in;  // [tokens, inStride]
    float* out;       // [rows, outStride]
    int cols, inStride, outStride, pad;
};

extern "C" __global__ void __launch_bounds__(BLOCK) skald_gather_rows(GatherArgs a) {
    int r = blockIdx.x;
    if (r >= a.step.rows()) return;
    copyRow(a.in + size_t(a.step.rowToken(r)) * a.inStride, a.out + size_t(r) * a.outStride, a.cols);
}
SKALD_KERNEL(skald_gather_rows)
