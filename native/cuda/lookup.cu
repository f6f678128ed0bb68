// Rows found by number: a token's embedding, and the rows whose logits are wanted. One block per row.
#include "skald.cuh"

// Quantised types, by the number that compute/cuda gives them: further ones than ElementType's.
enum QuantisedType : int { Q4_0 = 3, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K };

struct EmbedArgs {
    Step step;
    const void* table;  // [vocabulary, cols] of the type, as the file has it
    float* x;           // [tokens, stride]
    int type, cols, stride, rowBytes;
};

template <class T> __device__ void copyRow(const T* from, float* to, int cols) {
    for (int i = threadIdx.x; i < cols; i += BLOCK) to[i] = widen(from[i]);
}

__device__ inline float halfAt(const unsigned char* at) { return __half2float(*reinterpret_cast<const __half*>(at)); }
/** Of a block of 32: the lower bits of elements i and i + 16 share a byte. */
__device__ inline int nibble(const unsigned char* from, int i) { return from[i % 16] >> i / 16 * 4 & 15; }
__device__ inline int fifthBit(const unsigned char* from, int i) { return (from[i / 8] >> i % 8 & 1) << 4; }
/** Of a block of 256: two bits of elements b, b + 32, b + 64, b + 96 of a half share a byte. */
__device__ inline int twoBits(const unsigned char* from, int i) { return from[i / 128 * 32 + i % 32] >> i % 128 / 32 * 2 & 3; }
/** Of a block of 256: elements b and b + 32 of a quarter share a byte. */
__device__ inline int quarterNibble(const unsigned char* from, int i) { return from[i / 64 * 32 + i % 32] >> i % 64 / 32 * 4 & 15; }

/** A block's element is d · scale · quant − dmin · min, each product exact: see dev.skald.tensor.Block. */
struct Element {
    float d, dmin;
    int scale, min, quant;
};

/** The six-bit scales and minima of Q4_K and Q5_K, of group g. */
__device__ inline void largeGroup(const unsigned char* b, int g, Element& e) {
    e.d = halfAt(b);
    e.dmin = halfAt(b + 2);
    const unsigned char* s = b + 4;
    e.scale = g < 4 ? s[g] & 63 : (s[4 + g] & 15) | s[g - 4] >> 6 << 4;
    e.min = g < 4 ? s[4 + g] & 63 : s[4 + g] >> 4 | s[g] >> 6 << 4;
}

__device__ inline Element elementOf(int type, const unsigned char* b, int i) {
    const signed char nonlinear[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
    Element e = {halfAt(b), 0, 1, 0, 0};
    switch (type) {
        case Q4_0: e.quant = nibble(b + 2, i) - 8; break;
        case Q4_1: e.dmin = -halfAt(b + 2), e.min = 1, e.quant = nibble(b + 4, i); break;
        case Q5_0: e.quant = (nibble(b + 6, i) | fifthBit(b + 2, i)) - 16; break;
        case Q5_1: e.dmin = -halfAt(b + 2), e.min = 1, e.quant = nibble(b + 8, i) | fifthBit(b + 4, i); break;
        case Q8_0: e.quant = (signed char)b[2 + i]; break;
        case IQ4_NL: e.quant = nonlinear[nibble(b + 2, i)]; break;
        case Q2_K: e = {halfAt(b + 80), halfAt(b + 82), b[i / 16] & 15, b[i / 16] >> 4, twoBits(b + 16, i)}; break;
        case Q3_K: {
            int g = i / 16, low = b[96 + g % 8] >> g / 8 * 4 & 15, high = b[104 + g % 4] >> g / 4 * 2 & 3, third = b[i % 32] >> i / 32 & 1;
            e = {halfAt(b + 108), 0, (low | high << 4) - 32, 0, (twoBits(b + 32, i) | third << 2) - 4};
            break;
        }
        case Q4_K:
            largeGroup(b, i / 32, e);
            e.quant = quarterNibble(b + 16, i);
            break;
        case Q5_K:
            largeGroup(b, i / 32, e);
            e.quant = quarterNibble(b + 48, i) | (b[16 + i % 32] >> i / 32 & 1) << 4;
            break;
        default: {
            int low = b[i / 128 * 64 + i % 64] >> i % 128 / 64 * 4 & 15;
            e = {halfAt(b + 208), 0, (signed char)b[192 + i / 16], 0, (low | twoBits(b + 128, i) << 4) - 32};
        }
    }
    return e;
}

__device__ inline void widenRow(int type, const unsigned char* row, int rowBytes, float* to, int cols) {
    int elements = type >= Q2_K ? 256 : 32, blockBytes = rowBytes / (cols / elements);
    for (int i = threadIdx.x; i < cols; i += BLOCK) {
        Element e = elementOf(type, row + size_t(i / elements) * blockBytes, i % elements);
        to[i] = e.d * e.scale * e.quant - e.dmin * e.min;
    }
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
        case BF16: return copyRow(static_cast<const __nv_bfloat16*>(a.table) + row, to, a.cols);
        default: return widenRow(a.type, static_cast<const unsigned char*>(a.table) + size_t(id) * a.rowBytes, a.rowBytes, to, a.cols);
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
