// What all kernels share. Each .cu file compiles alone as C++17, by nvcc and, with SIMCUDA defined, by gcc for the software device.
//
// Rules: a kernel takes one structure, whose members follow each other without gaps (8-byte ones first), as compute/cuda writes it. Grids are capacities:
// how much there really is stands in the step's batch, which a kernel reads itself. Every result depends on its own row alone; sums run in an order that
// depends on the row's length, never on the batch. Compiled without contraction: fma is written where it is meant.
#pragma once
#ifdef SIMCUDA
#include "simcuda.h"
#define SKALD_KERNEL(name) SIMCUDA_KERNEL(name)
#define SKALD_DYNAMIC_SHARED(type, name) type* name = static_cast<type*>(simcuda::simcuda_launch.dynamicShared)
#else
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cstdint>
#define SKALD_KERNEL(name)
#define SKALD_DYNAMIC_SHARED(type, name)                        \
    extern __shared__ __align__(16) unsigned char skald_shared[]; \
    type* name = reinterpret_cast<type*>(skald_shared)
#endif

constexpr unsigned ALL_LANES = 0xffffffffu;
constexpr int BLOCK = 256;
constexpr int WARPS = BLOCK / 32;

// Element types, by the number that compute/cuda gives them.
enum ElementType : int { F32 = 0, F16 = 1, BF16 = 2 };

/** What the sampler must know of the sequence in a slot; filled by skald_set_slot. */
struct SlotState {
    static constexpr int MAX_END_IDS = 256, MAX_BIASES = 1024, MAX_BANNED = 256, MAX_BANNED_LENGTH = 32, RECENT = 32;
    unsigned seedLow, seedHigh;
    int choice, minTokens, generated, penalties, allowed;
    float temperature, topP, minP, repetition, presence, frequency;
    int topK, endCount, biasCount, bannedCount;
    int recent[RECENT];
    int endIds[MAX_END_IDS];
    int biasIds[MAX_BIASES];
    float biases[MAX_BIASES];
    int bannedLengths[MAX_BANNED];
    int banned[MAX_BANNED][MAX_BANNED_LENGTH];
};

/** The step at hand and what is resident per slot. The batch is dev.skald.compute.Batch, whose order of sections this repeats. */
struct Step {
    const int* batch;
    int* blockTables;   // [slots, maxBlocks]
    int* lastTokens;    // [slots]
    SlotState* states;  // [slots]
    int* counts;        // [slots, vocabulary]: sign bit: in the prompt; rest: occurrences in the output
    unsigned* allowed;  // [slots, allowedWords]
    int maxTokens, maxSequences, maxRows, maxBlocks, vocabulary, allowedWords;

    __device__ int tokens() const { return batch[0]; }
    __device__ int rows() const { return batch[2]; }
    __device__ int changes() const { return batch[3]; }
    __device__ int copies() const { return batch[4]; }
    __device__ int tokenId(int t) const { return batch[8 + t]; }
    __device__ int position(int t) const { return batch[8 + maxTokens + t]; }
    __device__ int tokenSlot(int t) const { return batch[8 + 2 * maxTokens + t]; }
    __device__ const int* rowSection() const { return batch + 8 + 3 * maxTokens + 3 * maxSequences + 1; }
    __device__ int rowToken(int r) const { return rowSection()[r]; }
    __device__ int rowSlot(int r) const { return rowSection()[maxRows + r]; }
    __device__ int rowTarget(int r) const { return rowSection()[2 * maxRows + r]; }
    __device__ int rowTop(int r) const { return rowSection()[3 * maxRows + r]; }
    __device__ const int* copyPair(int c) const { return rowSection() + 4 * maxRows + 2 * c; }
    __device__ const int* change(int c) const { return rowSection() + 4 * maxRows + 2 * maxSequences + 3 * c; }
    /** Block of the slot's sequence that holds its tokens from index · blockTokens on. */
    __device__ int block(int slot, int index) const { return blockTables[size_t(slot) * maxBlocks + index]; }
    /** Rows of a buffer that are in use: of tokens, or of wanted logits. */
    __device__ int used(int logitRows) const { return logitRows ? rows() : tokens(); }
};

__device__ inline float widen(float v) { return v; }
__device__ inline float widen(__half v) { return __half2float(v); }
__device__ inline float widen(__nv_bfloat16 v) { return __bfloat162float(v); }
__device__ inline void narrow(float v, float& to) { to = v; }
__device__ inline void narrow(float v, __half& to) { to = __float2half_rn(v); }
__device__ inline void narrow(float v, __nv_bfloat16& to) { to = __float2bfloat16_rn(v); }

#ifdef SIMCUDA
/** What the butterfly below comes to, computed once for the warp: since a + b = b + a, all lanes get the same bits, and these. */
template <class T, class Combine> void butterfly(unsigned char* places, Combine combine) {
    T v[32];
    for (int lane = 0; lane < 32; lane++) memcpy(&v[lane], places + lane * simcuda::LANE_BYTES, sizeof(T));
    for (int other = 16; other > 0; other >>= 1) for (int lane = 0; lane < other; lane++) v[lane] = combine(v[lane], v[lane + other]);
    memcpy(places, v, sizeof(T));
}
template <class T> T warpSum(T v) {
    auto sum = [](unsigned char* places) { butterfly<T>(places, [](T a, T b) { return a + b; }); };
    return simcuda::laneValue<T>(simcuda::simcuda_exchange_then(ALL_LANES, &v, sizeof v, sum), 0);
}
template <class T> T warpMax(T v) {
    auto most = [](unsigned char* places) { butterfly<T>(places, [](T a, T b) { return max(a, b); }); };
    return simcuda::laneValue<T>(simcuda::simcuda_exchange_then(ALL_LANES, &v, sizeof v, most), 0);
}
#else
/** Sum over the warp in a fixed tree; every lane gets it. */
template <class T> __device__ inline T warpSum(T v) {
    for (int other = 16; other > 0; other >>= 1) v += __shfl_xor_sync(ALL_LANES, v, other);
    return v;
}
template <class T> __device__ inline T warpMax(T v) {
    for (int other = 16; other > 0; other >>= 1) v = max(v, __shfl_xor_sync(ALL_LANES, v, other));
    return v;
}
#endif

/** Sum over a block of BLOCK threads: warps by tree, then in ascending order. @param scratch [WARPS], shared; free for use again after the call */
template <class T> __device__ inline T blockSum(T v, T* scratch) {
    v = warpSum(v);
    if (threadIdx.x % 32 == 0) scratch[threadIdx.x / 32] = v;
    __syncthreads();
    T sum = scratch[0];
    for (int w = 1; w < WARPS; w++) sum += scratch[w];
    __syncthreads();
    return sum;
}
template <class T> __device__ inline T blockMax(T v, T* scratch) {
    v = warpMax(v);
    if (threadIdx.x % 32 == 0) scratch[threadIdx.x / 32] = v;
    __syncthreads();
    T most = scratch[0];
    for (int w = 1; w < WARPS; w++) most = max(most, scratch[w]);
    __syncthreads();
    return most;
}
