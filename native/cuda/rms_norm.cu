// out = x / √(mean(x²) + eps) · weight, after x += delta where there is one. One block per token.
#include "skald.cuh"

struct NormArgs {
    Step step;
    float* x;             // [tokens, stride]
    const float* delta;   // [tokens, deltaStride], or null
    const float* weight;  // [cols]
    float* out;           // [tokens, outStride]
    int cols, stride, deltaStride, outStride;
    float eps;
    int pad;
};

extern "C" __global__ void __launch_bounds__(BLOCK) skald_rms_norm(NormArgs a) {
    __shared__ float scratch[WARPS];
    int t = blockIdx.x;
    if (t >= a.step.tokens()) return;
    float* x = a.x + size_t(t) * a.stride;
    float* out = a.out + size_t(t) * a.outStride;
    const float* delta = a.delta + size_t(t) * a.deltaStride;
    float squares = 0;
    for (int i = threadIdx.x; i < a.cols; i += BLOCK) {
        float v = x[i];
        if (a.delta != nullptr) {
            v += delta[i];
            x[i] = v;
        }
        squares = fmaf(v, v, squares);
    }
    float scale = 1 / sqrtf(blockSum(squares, scratch) / a.cols + a.eps);
    for (int i = threadIdx.x; i < a.cols; i += BLOCK) out[i] = x[i] * scale * a.weight[i];
}
SKALD_KERNEL(skald_rms_norm)
