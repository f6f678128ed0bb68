// What the card itself can do, to hold the kernels' rates against: reading memory, and bf16 products on the tensor cores. No part of any model.
#include "skald.cuh"

struct ProbeReadArgs {
    const uint4* from;
    unsigned* sums;  // [blocks]
    long long pieces;
};

/** Reads all pieces once, 16 bytes a load and four loads in flight for each thread. Grid: as many blocks as run at once. */
extern "C" __global__ void __launch_bounds__(BLOCK) skald_probe_read(ProbeReadArgs a) {
    __shared__ unsigned scratch[WARPS];
    long long stride = (long long)gridDim.x * BLOCK, at = (long long)blockIdx.x * BLOCK + threadIdx.x;
    unsigned sum = 0;
    for (; at + 3 * stride < a.pieces; at += 4 * stride) {
        uint4 p = a.from[at], q = a.from[at + stride], r = a.from[at + 2 * stride], s = a.from[at + 3 * stride];
        sum += p.x + p.y + p.z + p.w + q.x + q.y + q.z + q.w + r.x + r.y + r.z + r.w + s.x + s.y + s.z + s.w;
    }
    for (; at < a.pieces; at += stride) {
        uint4 p = a.from[at];
        sum += p.x + p.y + p.z + p.w;
    }
    sum = blockSum(sum, scratch);
    if (threadIdx.x == 0) a.sums[blockIdx.x] = sum;
}
SKALD_KERNEL(skald_probe_read)

struct ProbeProductsArgs {
    float* out;  // [blocks · BLOCK]
    int rounds, pad;
};

/** c += A · B with A [16, 16] and B [16, 8] of ones in bf16: 16 to each element. */
__device__ inline void multiplyOnes(float (&c)[4]) {
#ifdef SIMCUDA
    for (int i = 0; i < 4; i++) c[i] += 16;
#else
    constexpr unsigned ones = 0x3f803f80u;
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%4,%4,%4}, {%4,%4}, {%0,%1,%2,%3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(ones));
#endif
}

constexpr int CHAINS = 8;  // independent sums of a warp: enough that no product waits for the one before it

/** As many products as the tensor cores do, with everything in registers: CHAINS · rounds · 4096 operations for each warp. */
extern "C" __global__ void __launch_bounds__(BLOCK) skald_probe_products(ProbeProductsArgs a) {
    float c[CHAINS][4] = {};
    for (int round = 0; round < a.rounds; round++) {
#pragma unroll
        for (int chain = 0; chain < CHAINS; chain++) multiplyOnes(c[chain]);
    }
    float sum = 0;
    for (int chain = 0; chain < CHAINS; chain++) for (int i = 0; i < 4; i++) sum += c[chain][i];
    a.out[size_t(blockIdx.x) * BLOCK + threadIdx.x] = sum;
}
SKALD_KERNEL(skald_probe_products)
