// How quantised weights and rounded activations lie in device memory, and their integer products. One place for both sides of it in CUDA; the other side is
// dev.skald.compute.cuda.QuantFragments.
#pragma once
#include "skald.cuh"

constexpr int CHUNK = 64;         // columns
constexpr int RECORD = 80;        // bytes of a row's chunk of activations: 64 integers, 4 sums of 16 (int16), 2 scales (f32)
constexpr int STAGE_CHUNKS = 8;   // that a block brings to shared memory at once
constexpr int PANEL = 16;         // outputs
constexpr int SUPER = 4;          // chunks of a K type's block

// ---- integer products

#ifdef SIMCUDA
/** The warp's product by scalar arithmetic, K columns of A [16, K] and B [K, 8]: each lane lays down four words of A and two of B, the last one computes for all. */
template <int K> void multiplyAll(unsigned char* places) {
    signed char a[16][K], b[8][K];
    for (int lane = 0; lane < 32; lane++) {
        const unsigned char* p = places + lane * simcuda::LANE_BYTES;
        int group = lane / 4, at = lane % 4 * 4;
        for (int h = 0; h < K / 16; h++) {
            for (int j = 0; j < 4; j++) {
                a[group][16 * h + at + j] = (signed char)p[8 * h + j];
                a[group + 8][16 * h + at + j] = (signed char)p[8 * h + 4 + j];
                b[group][16 * h + at + j] = (signed char)p[16 + 4 * h + j];
            }
        }
    }
    int product[16][8];
    for (int m = 0; m < 16; m++) {
        for (int n = 0; n < 8; n++) {
            int sum = 0;
            for (int k = 0; k < K; k++) sum += a[m][k] * b[n][k];
            product[m][n] = sum;
        }
    }
    for (int lane = 0; lane < 32; lane++) {
        int group = lane / 4, pair = lane % 4 * 2;
        int mine[4] = {product[group][pair], product[group][pair + 1], product[group + 8][pair], product[group + 8][pair + 1]};
        memcpy(places + lane * simcuda::LANE_BYTES, mine, sizeof mine);
    }
}
template <int K> void multiplyTwin(int (&c)[4], unsigned a0, unsigned a1, unsigned a2, unsigned a3, unsigned b0, unsigned b1) {
    unsigned fragments[6] = {a0, a1, a2, a3, b0, b1};
    const unsigned char* places = simcuda::simcuda_exchange_then(ALL_LANES, fragments, sizeof fragments, multiplyAll<K>);
    int product[4];
    memcpy(product, places + simcuda::lane() * simcuda::LANE_BYTES, sizeof product);
    for (int i = 0; i < 4; i++) c[i] += product[i];
}
inline void multiply32(int (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) { multiplyTwin<32>(c, a[0], a[1], a[2], a[3], b0, b1); }
inline void multiply16(int (&c)[4], unsigned a0, unsigned a1, unsigned b) { multiplyTwin<16>(c, a0, a1, 0, 0, b, 0); }

/** A thread's copies under way. They are made as late as a card may make them, and until then the place holds rubbish, so that a forgotten wait is seen. */
struct LateCopies {
    static constexpr unsigned MOST = 64;
    struct Copy {
        unsigned char* to;
        const unsigned char* from;
        unsigned group;
    };
    Copy copies[MOST];
    unsigned begin, end, group;
};
inline LateCopies lateCopies[BLOCK];
// What the simulation needs for itself is no access of the kernel.
#define SKALD_UNSEEN __attribute__((noinline, no_sanitize("thread"))) inline
SKALD_UNSEEN void addLate(unsigned char* to, const unsigned char* from) {
    LateCopies& late = lateCopies[threadIdx.x];
    if (late.end - late.begin == LateCopies::MOST) __builtin_trap();
    late.copies[late.end++ % LateCopies::MOST] = {to, from, late.group};
}
SKALD_UNSEEN bool takeLate(unsigned left, unsigned char*& to, const unsigned char*& from) {
    LateCopies& late = lateCopies[threadIdx.x];
    LateCopies::Copy& copy = late.copies[late.begin % LateCopies::MOST];
    if (late.begin == late.end || late.group - copy.group <= left) return false;
    late.begin++;
    to = copy.to;
    from = copy.from;
    return true;
}
inline void copyAsync(unsigned char* to, const unsigned char* from) {
    *reinterpret_cast<uint4*>(to) = make_uint4(~0u, ~0u, ~0u, ~0u);
    addLate(to, from);
}
SKALD_UNSEEN void commitCopies() { lateCopies[threadIdx.x].group++; }
template <int LEFT> void waitForCopies() {
    unsigned char* to;
    const unsigned char* from;
    while (takeLate(LEFT, to, from)) *reinterpret_cast<uint4*>(to) = *reinterpret_cast<const uint4*>(from);
}
#else
/** c += A · B on the tensor cores, A [16, 32], B [32, 8], in the fragments of mma.m16n8k32. */
__device__ inline void multiply32(int (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
/** The same with 16 columns. */
__device__ inline void multiply16(int (&c)[4], unsigned a0, unsigned a1, unsigned b) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};"
                 : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
                 : "r"(a0), "r"(a1), "r"(b));
}
__device__ inline void copyAsync(unsigned char* to, const unsigned char* from) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(unsigned(__cvta_generic_to_shared(to))), "l"(from) : "memory");
}
__device__ inline void commitCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
/** Until all but the last LEFT groups of this thread's copies are there. */
template <int LEFT> __device__ inline void waitForCopies() { asm volatile("cp.async.wait_group %0;" ::"n"(LEFT) : "memory"); }
#endif

// ---- layouts

/**
 * A chunk of a panel. Blocks of 32: integers · d [2, 16] f16 · with minima m [2, 16] f16. K types (GROUPS > 0), whose block is SUPER chunks: integers · scales
 * [GROUPS, 16] · with minima mins [GROUPS, 16] · a quarter of d, dmin [2, 16] f16. Integers are bytes (1024 bytes), or of four bits (512): two outputs share a byte.
 */
template <int INTEGERS, int GROUPS_, bool MINIMA_> struct Layout {
    static constexpr int GROUPS = GROUPS_;
    static constexpr bool MINIMA = MINIMA_, K = GROUPS > 0, FOUR_BITS = INTEGERS == 512;
    /** Whether integers of four bits have a sign; they are then taken times 16, as the upper half of a byte. */
    static constexpr bool SIGNED = FOUR_BITS && !MINIMA;
    static constexpr int SCALES = INTEGERS, MINS = SCALES + PANEL * GROUPS;
    static constexpr int D = !K ? INTEGERS : MINS + (MINIMA ? PANEL * GROUPS : 0);
    static constexpr int BYTES = K ? D + PANEL : D + 4 * PANEL * (MINIMA ? 2 : 1);
    static constexpr int STAGE = STAGE_CHUNKS * BYTES;
};
using Q4_0 = Layout<512, 0, false>;
using Q4_1 = Layout<512, 0, true>;
using Q8_0 = Layout<1024, 0, false>;
using Q5_1 = Layout<1024, 0, true>;
using Q4_K = Layout<512, 2, true>;
using Q5_K = Layout<1024, 4, true>;
using Q6_K = Layout<1024, 4, false>;

__device__ inline float halfAt(const unsigned char* at) { return __half2float(*reinterpret_cast<const __half*>(at)); }
/** Of a block of 32. @param chunk in shared memory */
template <class L> __device__ inline float scaleOf(const unsigned char* chunk, int block, int output) { return halfAt(chunk + L::D + 2 * (PANEL * block + output)); }
template <class L> __device__ inline float offsetOf(const unsigned char* chunk, int block, int output) {
    return halfAt(chunk + L::D + 4 * PANEL + 2 * (PANEL * block + output));
}
/** d (0) and dmin (1) of a K type's block. @param first its first chunk */
template <class L> __device__ inline float headOf(const unsigned char* first, int which, int output) {
    return halfAt(first + (2 * which + output / 8) * L::BYTES + L::D + 2 * (output % 8));
}
/** @param at L::SCALES or L::MINS */
__device__ inline int groupByte(const unsigned char* chunk, int at, int group, int output) {
    return *reinterpret_cast<const signed char*>(chunk + at + PANEL * group + output);
}
/** The sum of a group's, or block's, activations. @param tail of a record, behind the integers */
template <class L> __device__ inline int sumOf(const uint4& tail, int group) {
    unsigned word = L::GROUPS == 4 ? (group < 2 ? tail.x : tail.y) : group == 0 ? tail.x : tail.y;
    int low = short(word), high = int(word) >> 16;
    return L::GROUPS == 4 ? (group % 2 == 0 ? low : high) : low + high;
}

template <class L> __device__ inline void split(unsigned word, unsigned& low, unsigned& high) {
    low = L::SIGNED ? word << 4 & 0xf0f0f0f0u : word & 0x0f0f0f0fu;
    high = L::SIGNED ? word & 0xf0f0f0f0u : word >> 4 & 0x0f0f0f0fu;
}
/** A lane's fragments of both blocks of a chunk. */
template <class L> __device__ inline void unpack(const unsigned char* chunk, int lane, unsigned (&w)[2][4]) {
    uint4 v = *reinterpret_cast<const uint4*>(chunk + 16 * lane);
    if (L::FOUR_BITS) {
        split<L>(v.x, w[0][0], w[0][1]);
        split<L>(v.y, w[0][2], w[0][3]);
        split<L>(v.z, w[1][0], w[1][1]);
        split<L>(v.w, w[1][2], w[1][3]);
        return;
    }
    uint4 u = *reinterpret_cast<const uint4*>(chunk + 512 + 16 * lane);
    w[0][0] = v.x, w[0][1] = v.y, w[0][2] = v.z, w[0][3] = v.w;
    w[1][0] = u.x, w[1][1] = u.y, w[1][2] = u.z, w[1][3] = u.w;
}

/** The sums of a block of 32, as floats. The product is added to the bits of 1.5 · 2²³, which makes it a float without a conversion: it is below 2²². */
template <class L> __device__ inline void blockSums(const unsigned (&w)[4], unsigned b0, unsigned b1, float (&p)[4]) {
    int c[4] = {0x4b400000, 0x4b400000, 0x4b400000, 0x4b400000};
    multiply32(c, w, b0, b1);
    for (int i = 0; i < 4; i++) p[i] = L::SIGNED ? fmaf(__int_as_float(c[i]), 0.0625f, -786432.0f) : __int_as_float(c[i]) - 12582912.0f;
}
/** Adds the groups' scales times sums of a chunk. @param group of the lane: its outputs are group and group + 8 */
template <class L> __device__ inline void addGroups(const unsigned char* chunk, int group, const unsigned (&w)[2][4], const uint4& x, int (&part)[4]) {
    unsigned b[4] = {x.x, x.y, x.z, x.w};
#pragma unroll
    for (int g = 0; g < L::GROUPS; g++) {
        int c[4] = {0, 0, 0, 0};
        if constexpr (L::GROUPS == 4) multiply16(c, w[g / 2][g % 2 * 2], w[g / 2][g % 2 * 2 + 1], b[g]);
        else multiply32(c, w[g], b[2 * g], b[2 * g + 1]);
        int upper = groupByte(chunk, L::SCALES, g, group), lower = groupByte(chunk, L::SCALES, g, group + 8);
        part[0] += upper * c[0];
        part[1] += upper * c[1];
        part[2] += lower * c[2];
        part[3] += lower * c[3];
    }
}
