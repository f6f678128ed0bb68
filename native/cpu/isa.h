/*
 * A thin layer over vectors, so that one source per operation compiles for every instruction set. A `vf` holds W floats. Every function here is
 * one rounding or none: no reassociation, no estimate. Sums over lanes are one fixed tree.
 */
#ifndef SKALD_CPU_ISA_H
#define SKALD_CPU_ISA_H

#include "skald.h"

#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
/** Loops with constant bounds over vectors: unrolled early, so that arrays of vectors become registers. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif
#define RESTRICT __restrict__

/** Names of one function for each number of rows. */
#define FIRST_SIX(prefix) prefix##_1, prefix##_2, prefix##_3, prefix##_4, prefix##_5, prefix##_6
#define NEXT_SIX(prefix) prefix##_7, prefix##_8, prefix##_9, prefix##_10, prefix##_11, prefix##_12

#if defined(__AVX512F__)
#include "isa_avx512.h"
#elif defined(__AVX2__)
#include "isa_avx2.h"
#elif defined(__ARM_NEON)
#include "isa_neon.h"
#else
#error "no vectors for this target"
#endif

INLINE const char *bytes_at(const void *base, int64_t offset) { return (const char *)base + offset; }

INLINE const float *row_of(const float *base, int64_t row, int64_t stride) { return (const float *)bytes_at(base, row * stride); }

INLINE float *out_row_of(float *base, int64_t row, int64_t stride) { return (float *)((char *)base + row * stride); }

/** n < W floats, the other lanes zero. */
INLINE vf vf_load_some(const float *from, int64_t n) {
    float lanes[W] = {0};
    memcpy(lanes, from, (size_t)n * sizeof(float));
    return vf_load(lanes);
}

INLINE void vf_store_some(float *to, vf v, int64_t n) {
    float lanes[W];
    vf_store(lanes, v);
    memcpy(to, lanes, (size_t)n * sizeof(float));
}

INLINE float bf16_to_f32(uint16_t bits) {
    uint32_t wide = (uint32_t)bits << 16;
    float f;
    memcpy(&f, &wide, sizeof f);
    return f;
}

/** Rounds half to even; NaN stays NaN. */
INLINE uint16_t f32_to_bf16(float f) {
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

/*
 * eˣ within 2 units in the last place. Below UNDERFLOW (−∞ too) it is exactly 0, above OVERFLOW it is ∞, NaN stays NaN.
 */
#define EXP_UNDERFLOW (-86.9f)
#define EXP_OVERFLOW 88.72283f

INLINE vf vf_exp(vf x) {
    const vf rounding = vf_set(12582912.0f); /* 1.5 · 2²³: adding it rounds to an integer, which then stands in the low bits of the sum */
    vf shifted = vf_fma(x, vf_set(1.44269504f), rounding);
    vf n = vf_sub(shifted, rounding);
    vf r = vf_fma(n, vf_set(-0.693359375f), x);
    r = vf_fma(n, vf_set(2.12194440e-4f), r);
    vf p = vf_set(1.9875691500e-4f);
    p = vf_fma(p, r, vf_set(1.3981999507e-3f));
    p = vf_fma(p, r, vf_set(8.3334519073e-3f));
    p = vf_fma(p, r, vf_set(4.1665795894e-2f));
    p = vf_fma(p, r, vf_set(1.6666665459e-1f));
    p = vf_fma(p, r, vf_set(5.0000001201e-1f));
    p = vf_add(vf_fma(p, vf_mul(r, r), r), vf_set(1.0f));
    /* 2p · 2ⁿ⁻¹, since 2¹²⁸ has no f32 */
    vf y = vf_mul(vf_add(p, p), vf_half_power(shifted));
    y = vf_where_less(x, vf_set(EXP_UNDERFLOW), vf_zero(), y);
    return vf_where_less(vf_set(EXP_OVERFLOW), x, vf_set(INFINITY), y);
}

INLINE float f32_exp(float x) {
    float lanes[W];
    vf_store(lanes, vf_exp(vf_set(x)));
    return lanes[0];
}

/** A file's tensors may lie at odd addresses. */
INLINE uint16_t load_half(const uint16_t *p) {
    uint16_t bits;
    memcpy(&bits, p, sizeof bits);
    return bits;
}

/** count elements of a type at an address, to f32. */
INLINE void widen(int64_t type, const void *from, int64_t count, float *to) {
    int64_t i = 0;
    const uint16_t *half = (const uint16_t *)from;
    switch (type) {
        case SKALD_F16:
            for (; i + W <= count; i += W) vf_store(to + i, vf_load_f16(half + i));
            for (; i < count; i++) to[i] = f16_to_f32(load_half(half + i));
            break;
        case SKALD_BF16:
            for (; i + W <= count; i += W) vf_store(to + i, vf_load_bf16(half + i));
            for (; i < count; i++) to[i] = bf16_to_f32(load_half(half + i));
            break;
        default: memcpy(to, from, (size_t)count * sizeof(float));
    }
}

#endif
