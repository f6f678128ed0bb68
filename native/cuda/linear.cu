// out [rows, outputs] = in [rows, cols] · weightᵀ + bias.
//
// f32 weights: a warp per output, on the ordinary units. 16-bit weights: the tensor cores. An activation is split into two numbers of the weight's type, the
// greater part and what it leaves, which are multiplied one after the other: the product is as exact as with f32 activations (an f16 weight's activations are
// held to ±131,008). While a step has few rows the time is that of reading the weights, and the second product costs nothing.
// The order of addition over cols is fixed by cols alone.
#include "skald.cuh"

struct LinearArgs {
    Step step;
    const float* in;      // [rows, inStride]
    const void* weight;   // [outputs, weightStride], zeros after cols
    const float* bias;    // [outputs], or null
    float* out;           // [rows, outStride]
    int logitRows, cols, outputs, inStride, weightStride, outStride;
};

// ---- f32

/** Four elements from column k on; zeros after cols. */
__device__ inline float4 activations(const float* row, int k, int cols) {
    if (k + 4 <= cols) return *reinterpret_cast<const float4*>(row + k);
    return make_float4(k < cols ? row[k] : 0, k + 1 < cols ? row[k + 1] : 0, k + 2 < cols ? row[k + 2] : 0, 0);
}

/** Grid (outputs / WARPS, rows / ROWS). */
template <int ROWS> __device__ void linearF32(const LinearArgs& a) {
    int used = a.step.used(a.logitRows), r0 = blockIdx.y * ROWS;
    int o = blockIdx.x * WARPS + threadIdx.x / 32, lane = threadIdx.x % 32;
    if (r0 >= used || o >= a.outputs) return;
    const float* weight = static_cast<const float*>(a.weight) + size_t(o) * a.weightStride;
    float acc[ROWS];
    for (int r = 0; r < ROWS; r++) acc[r] = 0;
    for (int k = 4 * lane; k < a.cols; k += 128) {
        float4 w = *reinterpret_cast<const float4*>(weight + k);
        for (int r = 0; r < ROWS; r++) {
            if (r0 + r >= used) break;
            float4 x = activations(a.in + size_t(r0 + r) * a.inStride, k, a.cols);
            acc[r] = fmaf(w.w, x.w, fmaf(w.z, x.z, fmaf(w.y, x.y, fmaf(w.x, x.x, acc[r]))));
        }
    }
    float bias = a.bias == nullptr ? 0 : a.bias[o];
    for (int r = 0; r < ROWS && r0 + r < used; r++) {
        float sum = warpSum(acc[r]);
        if (lane == 0) a.out[size_t(r0 + r) * a.outStride + o] = sum + bias;
    }
}

#define LINEAR_F32(ROWS)                                                                     \
    extern "C" __global__ void __launch_bounds__(BLOCK) skald_linear_f32_##ROWS(LinearArgs a) { linearF32<ROWS>(a); } \
    SKALD_KERNEL(skald_linear_f32_##ROWS)
LINEAR_F32(1)
LINEAR_F32(8)

// ---- 16 bits: tensor cores

__device__ inline unsigned short bitsOf(__half v) { unsigned short b; memcpy(&b, &v, 2); return b; }
__device__ inline unsigned short bitsOf(__nv_bfloat16 v) { unsigned short b; memcpy(&b, &v, 2); return b; }

#ifdef SIMCUDA
/** The warp's product by scalar arithmetic: each lane lays down its fragments, the last one computes for all. */
template <class T> void multiplyAll(unsigned char* places) {
    float a[16][16], b[16][8];
    auto element = [](const unsigned char* at) { T v; memcpy(&v, at, 2); return widen(v); };
    for (int lane = 0; lane < 32; lane++) {
        const unsigned char* p = places + lane * simcuda::LANE_BYTES;
        int group = lane / 4, pair = lane % 4 * 2;
        for (int i = 0; i < 8; i++) a[group + (i / 2 % 2) * 8][pair + i % 2 + i / 4 * 8] = element(p + 2 * i);
        for (int i = 0; i < 4; i++) b[pair + i % 2 + i / 2 * 8][group] = element(p + 16 + 2 * i);
    }
    float product[16][8] = {};
    for (int m = 0; m < 16; m++) {
        for (int k = 0; k < 16; k++) for (int n = 0; n < 8; n++) product[m][n] = fmaf(a[m][k], b[k][n], product[m][n]);
    }
    for (int lane = 0; lane < 32; lane++) {
        int group = lane / 4, pair = lane % 4 * 2;
        float mine[4] = {product[group][pair], product[group][pair + 1], product[group + 8][pair], product[group + 8][pair + 1]};
        memcpy(places + lane * simcuda::LANE_BYTES, mine, sizeof mine);
    }
}
#endif

/** c += A · B on the tensor cores, A [16, 16], B [16, 8], in the fragments of mma.m16n8k16. */
template <class T> __device__ inline void multiply(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]);
#ifdef SIMCUDA
template <class T> void multiplyTwin(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    unsigned fragments[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
    const unsigned char* places = simcuda::simcuda_exchange_then(ALL_LANES, fragments, sizeof fragments, multiplyAll<T>);
    float product[4];
    memcpy(product, places + simcuda::lane() * simcuda::LANE_BYTES, sizeof product);
    for (int i = 0; i < 4; i++) c[i] += product[i];
}
template <> inline void multiply<__half>(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) { multiplyTwin<__half>(c, a, b); }
template <> inline void multiply<__nv_bfloat16>(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) { multiplyTwin<__nv_bfloat16>(c, a, b); }
#else
template <> __device__ inline void multiply<__half>(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
template <> __device__ inline void multiply<__nv_bfloat16>(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#endif

__device__ inline float held(float v, __half) { return fminf(fmaxf(v, -65504.0f), 65504.0f); }
__device__ inline float held(float v, __nv_bfloat16) { return v; }

/** Two neighbouring activations: their greater parts, and what these leave. */
template <class T> __device__ inline void divide(float x0, float x1, unsigned& high, unsigned& low) {
    T h0, h1, l0, l1;
    narrow(held(x0, T()), h0);
    narrow(held(x1, T()), h1);
    narrow(held(x0 - widen(h0), T()), l0);
    narrow(held(x1 - widen(h1), T()), l1);
    high = bitsOf(h0) | unsigned(bitsOf(h1)) << 16;
    low = bitsOf(l0) | unsigned(bitsOf(l1)) << 16;
}

constexpr int CHUNK = 32;  // columns that a warp takes at once: two products, 8 neighbouring columns to each of a row's four lanes

/**
 * Grid (outputs / 16, rows / (8 · TILES)). The block's warps take every WARPS-th chunk of columns for the same 16 outputs and add up in ascending order. A lane
 * reads 16 bytes of a weight's row; which columns that makes neighbours in a product does not matter as long as activations are laid out the same way.
 */
template <class T, int TILES> __device__ void linearTensor(const LinearArgs& a, float* memory) {
    int used = a.step.used(a.logitRows), r0 = blockIdx.y * 8 * TILES, o0 = blockIdx.x * 16;
    if (r0 >= used) return;
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, group = lane / 4, quarter = lane % 4;
    const T* weight = static_cast<const T*>(a.weight);
    const T* upper = weight + size_t(min(o0 + group, a.outputs - 1)) * a.weightStride + 8 * quarter;
    const T* lower = weight + size_t(min(o0 + group + 8, a.outputs - 1)) * a.weightStride + 8 * quarter;
    int tiles = min(TILES, (used - r0 + 7) / 8);
    float acc[TILES][4];
    for (int t = 0; t < TILES; t++) for (int i = 0; i < 4; i++) acc[t][i] = 0;
    for (int k0 = warp * CHUNK; k0 < a.cols; k0 += WARPS * CHUNK) {
        uint4 u = *reinterpret_cast<const uint4*>(upper + k0);
        uint4 l = *reinterpret_cast<const uint4*>(lower + k0);
        unsigned first[4] = {u.x, l.x, u.y, l.y}, second[4] = {u.z, l.z, u.w, l.w};
        int k = k0 + 8 * quarter;
#pragma unroll
        for (int t = 0; t < TILES; t++) {
            if (t >= tiles) break;
            int r = r0 + 8 * t + group;
            float4 x = make_float4(0, 0, 0, 0), y = x;
            if (r < used) {
                const float* row = a.in + size_t(r) * a.inStride;
                x = activations(row, k, a.cols);
                y = activations(row, k + 4, a.cols);
            }
            unsigned high[2], low[2], high2[2], low2[2];
            divide<T>(x.x, x.y, high[0], low[0]);
            divide<T>(x.z, x.w, high[1], low[1]);
            divide<T>(y.x, y.y, high2[0], low2[0]);
            divide<T>(y.z, y.w, high2[1], low2[1]);
            multiply<T>(acc[t], first, high);
            multiply<T>(acc[t], second, high2);
            multiply<T>(acc[t], first, low);
            multiply<T>(acc[t], second, low2);
        }
    }
    // memory: [WARPS, 8 · TILES rows, 16 outputs]
#pragma unroll
    for (int t = 0; t < TILES; t++) {
        float* mine = memory + ((warp * TILES + t) * 8 + 2 * quarter) * 16 + group;
        mine[0] = acc[t][0];
        mine[16] = acc[t][1];
        mine[8] = acc[t][2];
        mine[24] = acc[t][3];
    }
    __syncthreads();
    for (int i = threadIdx.x; i < TILES * 8 * 16; i += BLOCK) {
        int r = r0 + i / 16, o = o0 + i % 16;
        if (r >= used || o >= a.outputs) continue;
        float sum = memory[i];
        for (int w = 1; w < WARPS; w++) sum += memory[w * TILES * 128 + i];
        a.out[size_t(r) * a.outStride + o] = sum + (a.bias == nullptr ? 0 : a.bias[o]);
    }
}

#define LINEAR_TENSOR(T, NAME, TILES)                                                                              \
    extern "C" __global__ void __launch_bounds__(BLOCK) skald_linear_##NAME##_##TILES(LinearArgs a) {                 \
        __shared__ float memory[WARPS * TILES * 128];                                                   \
        linearTensor<T, TILES>(a, memory);                                                                         \
    }                                                                                                              \
    SKALD_KERNEL(skald_linear_##NAME##_##TILES)
#define LINEAR_TILES(T, NAME) LINEAR_TENSOR(T, NAME, 1) LINEAR_TENSOR(T, NAME, 2) LINEAR_TENSOR(T, NAME, 4) LINEAR_TENSOR(T, NAME, 8)
LINEAR_TILES(__half, f16)
LINEAR_TILES(__nv_bfloat16, bf16)

// ---- around cuBLAS

struct NarrowArgs {
    Step step;
    const float* in;  // [rows, inStride]
    void* out;        // [rows, cols] of the type, dense
    int logitRows, cols, inStride, type;
};

/** Activations in the weight's type. Grid (row, piece). */
extern "C" __global__ void __launch_bounds__(BLOCK) skald_narrow(NarrowArgs a) {
    int r = blockIdx.x, i = blockIdx.y * BLOCK + threadIdx.x;
    if (r >= a.step.used(a.logitRows) || i >= a.cols) return;
    float v = a.in[size_t(r) * a.inStride + i];
    size_t at = size_t(r) * a.cols + i;
    if (a.type == F16) {
        narrow(held(v, __half()), static_cast<__half*>(a.out)[at]);
    } else {
        narrow(v, static_cast<__nv_bfloat16*>(a.out)[at]);
    }
}
SKALD_KERNEL(skald_narrow)

struct BiasArgs {
    Step step;
    float* out;         // [rows, outStride]
    const float* bias;  // [outputs]
    int logitRows, outputs, outStride, pad;
};

extern "C" __global__ void __launch_bounds__(BLOCK) skald_add_bias(BiasArgs a) {
    int r = blockIdx.x, o = blockIdx.y * BLOCK + threadIdx.x;
    if (r >= a.step.used(a.logitRows) || o >= a.outputs) return;
    a.out[size_t(r) * a.outStride + o] += a.bias[o];
}
SKALD_KERNEL(skald_add_bias)
