// Rows of activations rounded to integers, once for each product with quantised weights: dev.skald.compute.reference.QuantisedLinearReference says how.
#include "quants.cuh"

struct RoundArgs {
    Step step;
    const float* in;     // [rows, inStride]
    unsigned char* out;  // [rows, outStride] bytes: records
    int logitRows, cols, inStride, outStride;
};

/** Grid (columns / (256 · WARPS), rows). A lane has eight neighbours; BLOCK_LANES of them share a scale. */
template <int BLOCK_LANES> __device__ void roundRows(const RoundArgs& a) {
    int r = blockIdx.y, lane = threadIdx.x % 32, k = ((blockIdx.x * WARPS + threadIdx.x / 32) * 32 + lane) * 8;
    if (r >= a.step.used(a.logitRows)) return;
    const float* row = a.in + size_t(r) * a.inStride;
    float x[8];
    unsigned greatest = 0;
    for (int i = 0; i < 8; i++) {
        x[i] = k < a.cols ? row[k + i] : 0;
        greatest = max(greatest, __float_as_uint(x[i]) & 0x7fffffffu);
    }
    for (int other = 1; other < BLOCK_LANES; other *= 2) greatest = max(greatest, __shfl_xor_sync(ALL_LANES, greatest, other));
    float most = __uint_as_float(greatest);
    float scale = greatest >= 0x7f800000u ? __uint_as_float(0x7fc00000u) : most < 0x1p-100f ? 0.0f : most / 127;
    float inverse = scale > 0 ? 127 / most : 0;
    unsigned words[2] = {0, 0};
    int sum = 0;
    for (int i = 0; i < 8; i++) {
        int q = inverse > 0 ? int(rintf(x[i] * inverse)) : 0;
        sum += q;
        words[i / 4] |= (unsigned(q) & 0xff) << 8 * (i % 4);
    }
    sum += __shfl_xor_sync(ALL_LANES, sum, 1);
    if (k >= (a.cols + CHUNK - 1) / CHUNK * CHUNK) return;
    unsigned char* record = a.out + size_t(r) * a.outStride + size_t(k / CHUNK) * RECORD;
    int at = lane % 8, block = at / 4, half = at % 4 / 2, quarter = at % 2 * 2;
    *reinterpret_cast<unsigned*>(record + 16 * quarter + 8 * block + 4 * half) = words[0];
    *reinterpret_cast<unsigned*>(record + 16 * (quarter + 1) + 8 * block + 4 * half) = words[1];
    if (at % 2 == 0) *reinterpret_cast<short*>(record + CHUNK + at) = short(sum);
    if (at % 4 == 0) *reinterpret_cast<float*>(record + CHUNK + 8 + 4 * block) = scale;
}

extern "C" __global__ void __launch_bounds__(BLOCK) skald_round_rows_32(RoundArgs a) { roundRows<4>(a); }
SKALD_KERNEL(skald_round_rows_32)
extern "C" __global__ void __launch_bounds__(BLOCK) skald_round_rows_256(RoundArgs a) { roundRows<32>(a); }
SKALD_KERNEL(skald_round_rows_256)
