/*
 * How many multiply-adds this instruction set can do: independent chains of the instruction that the products of a weight type are made of, in
 * registers, without memory. What a product reaches of it is its share of the peak.
 */
#include "isa.h"

/** Enough to cover the latency of two units (4 to 6 cycles each), few enough for sixteen registers. */
enum { CHAINS = 12 };

/* The chain's register passes through an empty instruction, so that no compiler folds rounds into one. */
#if defined(__x86_64__)
#define KEEP(x) __asm__ volatile("" : "+v"(x))
#else
#define KEEP(x) __asm__ volatile("" : "+w"(x))
#endif

#define ROUNDS(step) \
    for (int64_t round = 0; round < rounds; round++) { \
        UNROLL for (int i = 0; i < CHAINS; i++) { \
            step; \
            KEEP(c[i]); \
        } \
    }

static int64_t f32_chains(int64_t rounds, float *sink) {
    vf c[CHAINS], half = vf_set(0.5f);
    UNROLL for (int i = 0; i < CHAINS; i++) c[i] = vf_set((float)i);
    ROUNDS(c[i] = vf_fma(c[i], half, half))
    UNROLL for (int i = 0; i < CHAINS; i++) *sink += vf_sum(c[i]);
    return rounds * CHAINS * W;
}

static int64_t bf16_chains(int64_t rounds, float *sink) {
#if defined(HAS_BF16_DOT)
    vf c[CHAINS], small = vf_set(0.001f);
    UNROLL for (int i = 0; i < CHAINS; i++) c[i] = vf_set((float)i);
    ROUNDS(c[i] = _mm512_dpbf16_ps(c[i], (__m512bh)small, (__m512bh)small))
    UNROLL for (int i = 0; i < CHAINS; i++) *sink += vf_sum(c[i]);
    return rounds * CHAINS * 2 * W;
#else
    return f32_chains(rounds, sink);
#endif
}

/** 8-bit integers, sums in int32 (AVX2: the 16-bit sums that a block's products begin with). */
static int64_t integer_chains(int64_t rounds, float *sink) {
#if defined(__AVX512VNNI__)
    __m512i c[CHAINS], one = _mm512_set1_epi8(1);
    UNROLL for (int i = 0; i < CHAINS; i++) c[i] = _mm512_set1_epi32(i);
    ROUNDS(c[i] = _mm512_dpbusd_epi32(c[i], one, one))
    UNROLL for (int i = 0; i < CHAINS; i++) *sink += (float)_mm512_reduce_add_epi32(c[i]);
    return rounds * CHAINS * 64;
#elif defined(__AVX2__)
    __m256i c[CHAINS], one = _mm256_set1_epi8(1);
    UNROLL for (int i = 0; i < CHAINS; i++) c[i] = _mm256_set1_epi16((short)i);
    ROUNDS(KEEP(one); c[i] = _mm256_add_epi16(c[i], _mm256_maddubs_epi16(one, one)))
    UNROLL for (int i = 0; i < CHAINS; i++) *sink += (float)_mm256_extract_epi16(c[i], 0);
    return rounds * CHAINS * 32;
#elif defined(__ARM_FEATURE_MATMUL_INT8)
    int32x4_t c[CHAINS];
    int8x16_t one = vdupq_n_s8(1);
    UNROLL for (int i = 0; i < CHAINS; i++) c[i] = vdupq_n_s32(i);
    ROUNDS(c[i] = vmmlaq_s32(c[i], one, one))
    UNROLL for (int i = 0; i < CHAINS; i++) *sink += (float)vaddvq_s32(c[i]);
    return rounds * CHAINS * 32;
#else
    int32x4_t c[CHAINS];
    int8x16_t one = vdupq_n_s8(1);
    UNROLL for (int i = 0; i < CHAINS; i++) c[i] = vdupq_n_s32(i);
    ROUNDS(c[i] = vdotq_s32(c[i], one, one))
    UNROLL for (int i = 0; i < CHAINS; i++) *sink += (float)vaddvq_s32(c[i]);
    return rounds * CHAINS * 16;
#endif
}

SKALD_FUNCTION(SKALD_FN(peak), struct skald_peak) {
    SKALD_UNUSED(first), SKALD_UNUSED(end), SKALD_UNUSED(third), SKALD_UNUSED(fourth);
    float sink = 0;
    switch (a->type) {
        case SKALD_F32:
        case SKALD_F16: a->multiply_adds = f32_chains(a->rounds, &sink); break;
        case SKALD_BF16: a->multiply_adds = bf16_chains(a->rounds, &sink); break;
        default: a->multiply_adds = integer_chains(a->rounds, &sink);
    }
    a->sink = (double)sink;
}
