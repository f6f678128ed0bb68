// out [rows, outputs] = in [rows, cols] · weightᵀ + bias with quantised weights: to the bit what dev.skald.compute.reference.QuantisedLinearReference says, and so
// what CPUs compute. Activations are rounded to integers once; sums inside a block are exact, on the tensor cores; then one fma for a block (two with minima), in
// ascending order. Exact sums may be split between warps at will, the chain of fmas may not.
//
// Weights: panels of 16 outputs; a panel is a row of chunks of 64 columns, each in the order in which the lanes of a warp want it (dev.skald.compute.cuda.QuantFragments).
// Few rows: eight warps share a panel, each takes every eighth chunk, and threads that own an output each chain what the warps found. More rows: a warp has rows
// of its own and walks the whole panel, which the block brings to shared memory once.
#include "quants.cuh"

constexpr int SHARED = 48 * 1024;

struct QuantisedArgs {
    Step step;
    const unsigned char* in;      // [rows, inStride] bytes: records
    const unsigned char* weight;  // [panels, weightStride] bytes
    const float* bias;            // [outputs], or null
    float* out;                   // [rows, outStride]
    int logitRows, cols, outputs, inStride, weightStride, outStride;
};

/** Begins to bring a stage of a panel to shared memory, as far as there are chunks. */
template <class L> __device__ inline void fetch(const unsigned char* panel, int stage, int chunks, unsigned char* to) {
    int bytes = min(STAGE_CHUNKS, chunks - stage * STAGE_CHUNKS) * L::BYTES;
    const unsigned char* from = panel + size_t(stage) * L::STAGE;
    for (int at = 16 * threadIdx.x; at < bytes; at += 16 * BLOCK) copyAsync(to + at, from + at);
}

__device__ inline uint4 recordPart(const QuantisedArgs& a, int row, int used, int chunk, int chunks, int at) {
    if (row >= used || chunk >= chunks) return make_uint4(0, 0, 0, 0);
    return *reinterpret_cast<const uint4*>(a.in + size_t(row) * a.inStride + size_t(chunk) * RECORD + at);
}

__device__ inline void store(const QuantisedArgs& a, int row, int used, int output, float sum) {
    if (row < used && output < a.outputs) a.out[size_t(row) * a.outStride + output] = a.bias == nullptr ? sum : sum + a.bias[output];
}

// ---- few rows

constexpr int most(int stages) { return stages < 4 ? stages : 4; }

/** What a block's shared memory holds: stages, then sums of blocks (or of chunks) [units, ROWS, PITCH], then tails of records [STAGE_CHUNKS, ROWS]. */
template <class L, int TILES> struct Few {
    static constexpr int ROWS = 8 * TILES;
    static constexpr int PITCH = 20;  // so that the lanes of a warp write to different banks
    static constexpr int UNITS = L::K ? STAGE_CHUNKS : 2 * STAGE_CHUNKS;
    static constexpr int SUMS = UNITS * ROWS * PITCH * 4, TAILS = STAGE_CHUNKS * ROWS * 16;
    static constexpr int STAGES = most((SHARED - SUMS - TAILS) / L::STAGE);
    static constexpr int BYTES = STAGES * L::STAGE + SUMS + TAILS;
    static_assert(STAGES >= 2, "a stage is read while the next one comes");
};

/** A warp's share of a stage: the sums of one chunk. */
template <class L, int TILES> __device__ inline void sumsOfChunk(const unsigned char* chunk, int unit, const uint4 (&x)[TILES], int* sums) {
    int lane = threadIdx.x % 32, group = lane / 4, pair = lane % 4 * 2;
    unsigned w[2][4];
    unpack<L>(chunk, lane, w);
    using F = Few<L, TILES>;
#pragma unroll
    for (int t = 0; t < TILES; t++) {
        int* to = sums + (8 * t + pair) * F::PITCH + group;
        if constexpr (L::K) {
            int part[4] = {0, 0, 0, 0};
            addGroups<L>(chunk, group, w, x[t], part);
            int* at = to + unit * F::ROWS * F::PITCH;
            for (int i = 0; i < 4; i++) at[i % 2 * F::PITCH + i / 2 * 8] = part[i];
        } else {
            for (int block = 0; block < 2; block++) {
                float p[4];
                blockSums<L>(w[block], block == 0 ? x[t].x : x[t].z, block == 0 ? x[t].y : x[t].w, p);
                int* at = to + (2 * unit + block) * F::ROWS * F::PITCH;
                for (int i = 0; i < 4; i++) at[i % 2 * F::PITCH + i / 2 * 8] = __float_as_int(p[i]);
            }
        }
    }
}

/** Goes on with one output of one row over the chunks of a stage. @param sums and tails: of the row and output, of the row */
template <class L, int TILES> __device__ inline float chain(float sum, const unsigned char* stage, int chunks, int output, const int* sums, const uint4* tails) {
    using F = Few<L, TILES>;
    constexpr int UNIT = F::ROWS * F::PITCH;
    if constexpr (L::K) {
        for (int c0 = 0; c0 < chunks; c0 += SUPER) {
            const unsigned char* first = stage + c0 * L::BYTES;
            int products = 0, minima = 0;
#pragma unroll
            for (int c = 0; c < SUPER; c++) {
                products += sums[(c0 + c) * UNIT];
                if constexpr (L::MINIMA) {
                    uint4 tail = tails[(c0 + c) * F::ROWS];
                    for (int g = 0; g < L::GROUPS; g++) minima += groupByte(first + c * L::BYTES, L::MINS, g, output) * sumOf<L>(tail, g);
                }
            }
            float scale = __uint_as_float(tails[c0 * F::ROWS].z);
            sum = fmaf(float(products), headOf<L>(first, 0, output) * scale, sum);
            if (L::MINIMA) sum = fmaf(float(minima), -(headOf<L>(first, 1, output) * scale), sum);
        }
    } else {
#pragma unroll 4
        for (int c = 0; c < chunks; c++) {
            const unsigned char* chunk = stage + c * L::BYTES;
            uint4 tail = tails[c * F::ROWS];
            for (int block = 0; block < 2; block++) {
                float scale = __uint_as_float(block == 0 ? tail.z : tail.w);
                sum = fmaf(__int_as_float(sums[(2 * c + block) * UNIT]), scaleOf<L>(chunk, block, output) * scale, sum);
                if (L::MINIMA) sum = fmaf(float(sumOf<L>(tail, block)), offsetOf<L>(chunk, block, output) * scale, sum);
            }
        }
    }
    return sum;
}

/** Grid (outputs / PANEL, rows / (8 · TILES)). */
template <class L, int TILES> __device__ void linearFew(const QuantisedArgs& a, unsigned char* memory) {
    using F = Few<L, TILES>;
    int used = a.step.used(a.logitRows), r0 = blockIdx.y * F::ROWS, chunks = (a.cols + CHUNK - 1) / CHUNK;
    if (r0 >= used) return;
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, output = threadIdx.x % PANEL, row = threadIdx.x / PANEL;
    const unsigned char* panel = a.weight + size_t(blockIdx.x) * a.weightStride;
    int* sums = reinterpret_cast<int*>(memory + F::STAGES * L::STAGE);
    uint4* tails = reinterpret_cast<uint4*>(memory + F::STAGES * L::STAGE + F::SUMS);
    for (int s = 0; s < F::STAGES - 1; s++) {
        fetch<L>(panel, s, chunks, memory + s * L::STAGE);
        commitCopies();
    }
    uint4 next[TILES], nextTail[TILES];
    auto read = [&](int chunk) {
        for (int t = 0; t < TILES; t++) {
            next[t] = recordPart(a, r0 + 8 * t + lane / 4, used, chunk, chunks, 16 * (lane % 4));
            nextTail[t] = recordPart(a, r0 + 8 * t + lane % 8, used, chunk, chunks, CHUNK);
        }
    };
    read(warp);
    float sum = 0;
    for (int s = 0; s * STAGE_CHUNKS < chunks; s++) {
        waitForCopies<F::STAGES - 2>();
        __syncthreads();  // the stage is there; sums, tails and the stage before are free
        int later = s + F::STAGES - 1;
        fetch<L>(panel, later, chunks, memory + later % F::STAGES * L::STAGE);
        commitCopies();
        const unsigned char* stage = memory + s % F::STAGES * L::STAGE;
        uint4 x[TILES];
        for (int t = 0; t < TILES; t++) {
            x[t] = next[t];
            if (lane < 8) tails[warp * F::ROWS + 8 * t + lane] = nextTail[t];
        }
        read((s + 1) * STAGE_CHUNKS + warp);
        int there = min(STAGE_CHUNKS, chunks - s * STAGE_CHUNKS);
        if (warp < there) sumsOfChunk<L, TILES>(stage + warp * L::BYTES, warp, x, sums);
        __syncthreads();
        if (row < F::ROWS) sum = chain<L, TILES>(sum, stage, there, output, sums + row * F::PITCH + output, tails + row);
    }
    if (row < F::ROWS) store(a, r0 + row, used, blockIdx.x * PANEL + output, sum);
}

// ---- more rows

/** Grid (outputs / (PANEL · M), rows / (WARPS · 8 · N)). A warp has 8 · N rows and all of the block's M panels. */
template <class L, int M, int N> struct Many {
    static constexpr int STAGE = M * L::STAGE, STAGES = most(SHARED / STAGE), ROWS = 8 * N;
    static_assert(STAGES >= 2, "a stage is read while the next one comes");

    float acc[M][N][4];
    int part[M][N][4], minima[M][N][4];

    __device__ void clear() {
        for (int m = 0; m < M; m++) for (int n = 0; n < N; n++) for (int i = 0; i < 4; i++) acc[m][n][i] = part[m][n][i] = minima[m][n][i] = 0;
    }

    /** @param chunk of the m-th panel @param x, tails: of tile n; the tails of the two rows whose sums the lane has */
    __device__ void add(const unsigned char* chunk, int m, int n, const unsigned (&w)[2][4], const uint4& x, const uint4 (&tails)[2]) {
        int group = threadIdx.x % 32 / 4;
        if constexpr (L::K) {
            addGroups<L>(chunk, group, w, x, part[m][n]);
            if constexpr (L::MINIMA) {
                for (int g = 0; g < L::GROUPS; g++) {
                    for (int i = 0; i < 4; i++) minima[m][n][i] += groupByte(chunk, L::MINS, g, group + i / 2 * 8) * sumOf<L>(tails[i % 2], g);
                }
            }
        } else {
            for (int block = 0; block < 2; block++) {
                float p[4];
                blockSums<L>(w[block], block == 0 ? x.x : x.z, block == 0 ? x.y : x.w, p);
                for (int i = 0; i < 4; i++) {
                    float scale = __uint_as_float(block == 0 ? tails[i % 2].z : tails[i % 2].w);
                    float& sum = acc[m][n][i];
                    sum = fmaf(p[i], scaleOf<L>(chunk, block, group + i / 2 * 8) * scale, sum);
                    if (L::MINIMA) sum = fmaf(float(sumOf<L>(tails[i % 2], block)), offsetOf<L>(chunk, block, group + i / 2 * 8) * scale, sum);
                }
            }
        }
    }

    /** A K type's block is complete. */
    __device__ void chain(const unsigned char* first, int m, int n, const uint4 (&tails)[2]) {
        int group = threadIdx.x % 32 / 4;
        for (int i = 0; i < 4; i++) {
            float scale = __uint_as_float(tails[i % 2].z);
            float& sum = acc[m][n][i];
            sum = fmaf(float(part[m][n][i]), headOf<L>(first, 0, group + i / 2 * 8) * scale, sum);
            if (L::MINIMA) sum = fmaf(float(minima[m][n][i]), -(headOf<L>(first, 1, group + i / 2 * 8) * scale), sum);
            part[m][n][i] = minima[m][n][i] = 0;
        }
    }

    __device__ void stage(const QuantisedArgs& a, const unsigned char* stage, int panels, int c0, int chunks, int r0, int used) {
        int lane = threadIdx.x % 32, pair = lane % 4 * 2;
        for (int c = c0; c < min(c0 + STAGE_CHUNKS, chunks); c++) {
            const unsigned char* chunk = stage + (c - c0) * L::BYTES;
            uint4 x[N], tails[N][2];
#pragma unroll
            for (int n = 0; n < N; n++) {
                x[n] = recordPart(a, r0 + 8 * n + lane / 4, used, c, chunks, 16 * (lane % 4));
                for (int i = 0; i < 2; i++) tails[n][i] = recordPart(a, r0 + 8 * n + pair + i, used, c, chunks, CHUNK);
            }
#pragma unroll
            for (int m = 0; m < M; m++, chunk += L::STAGE) {
                if (m >= panels) break;
                unsigned w[2][4];
                unpack<L>(chunk, lane, w);
#pragma unroll
                for (int n = 0; n < N; n++) {
                    add(chunk, m, n, w, x[n], tails[n]);
                    if (L::K && c % SUPER == SUPER - 1) chain(chunk - (SUPER - 1) * L::BYTES, m, n, tails[n]);
                }
            }
        }
    }

    __device__ void run(const QuantisedArgs& a, unsigned char* memory) {
        int used = a.step.used(a.logitRows), chunks = (a.cols + CHUNK - 1) / CHUNK;
        if (int(blockIdx.y) * WARPS * ROWS >= used) return;
        int lane = threadIdx.x % 32, r0 = (blockIdx.y * WARPS + threadIdx.x / 32) * ROWS, o0 = blockIdx.x * PANEL * M;
        int panels = min(M, (a.outputs - o0 + PANEL - 1) / PANEL);
        auto fetchAll = [&](int s) {
            for (int m = 0; m < panels; m++) {
                fetch<L>(a.weight + size_t(blockIdx.x * M + m) * a.weightStride, s, chunks, memory + s % STAGES * STAGE + m * L::STAGE);
            }
            commitCopies();
        };
        clear();
        for (int s = 0; s < STAGES - 1; s++) fetchAll(s);
        for (int s = 0; s * STAGE_CHUNKS < chunks; s++) {
            waitForCopies<STAGES - 2>();
            __syncthreads();  // the stage is there, and the one before is free
            fetchAll(s + STAGES - 1);
            if (r0 < used) stage(a, memory + s % STAGES * STAGE, panels, s * STAGE_CHUNKS, chunks, r0, used);
        }
#pragma unroll
        for (int m = 0; m < M; m++) {
#pragma unroll
            for (int n = 0; n < N; n++) {
                for (int i = 0; i < 4; i++) store(a, r0 + 8 * n + lane % 4 * 2 + i % 2, used, o0 + PANEL * m + lane / 4 + i / 2 * 8, acc[m][n][i]);
            }
        }
    }
};

#define QUANTISED_FEW(L, NAME, TILES)                                                                            \
    extern "C" __global__ void __launch_bounds__(BLOCK) skald_linear_##NAME##_few_##TILES(QuantisedArgs a) {     \
        __shared__ __align__(16) unsigned char memory[Few<L, TILES>::BYTES];                                     \
        linearFew<L, TILES>(a, memory);                                                                          \
    }                                                                                                            \
    SKALD_KERNEL(skald_linear_##NAME##_few_##TILES)
#define QUANTISED_MANY(L, NAME, M, N)                                                                            \
    extern "C" __global__ void __launch_bounds__(BLOCK, 2) skald_linear_##NAME##_many_##M(QuantisedArgs a) {     \
        __shared__ __align__(16) unsigned char memory[Many<L, M, N>::STAGES * Many<L, M, N>::STAGE];             \
        Many<L, M, N> products;                                                                                  \
        products.run(a, memory);                                                                                 \
    }                                                                                                            \
    SKALD_KERNEL(skald_linear_##NAME##_many_##M)
#define QUANTISED(L, NAME) QUANTISED_FEW(L, NAME, 1) QUANTISED_FEW(L, NAME, 2) QUANTISED_MANY(L, NAME, 1, 1) QUANTISED_MANY(L, NAME, 2, 2)
QUANTISED(Q4_0, q4_0)
QUANTISED(Q4_1, q4_1)
QUANTISED(Q8_0, q8_0)
QUANTISED(Q5_1, q5_1)
QUANTISED(Q4_K, q4_k)
QUANTISED(Q5_K, q5_k)
QUANTISED(Q6_K, q6_k)
