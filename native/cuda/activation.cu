// Gated activation: out = silu(gate) · up.
#include "skald.cuh"

struct ActivateArgs {
    Step step;
    const float* gateUp;  // [tokens, inStride]: gate, then up
    float* out;           // [tokens, outStride]
    int cols, inStride, outStride, pad;
};

/** Blocks (token, piece of the row). */
extern "C" __global__ void __launch_bounds__(BLOCK) skald_silu(ActivateArgs a) {
    int t = blockIdx.x;
    int i = blockIdx.y * BLOCK + threadIdx.x;
    if (t >= a.step.tokens() || i >= a.cols) return;
    const float* gate = a.gateUp + size_t(t) * a.inStride;
    float g = gate[i];
    a.out[size_t(t) * a.outStride + i] = g / (1 + expf(-g)) * gate[a.cols + i];
}
SKALD_KERNEL(skald_silu)
