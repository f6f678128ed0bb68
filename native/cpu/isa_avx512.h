/* AVX-512 F, BW, VL, DQ, VNNI; BF16 where the compiler is told so. */
#include <immintrin.h>

enum { W = 16 };
/* Accumulators of a product: vectors of outputs × rows of activations. 24 of 32 registers. */
enum { TILE_VECTORS = 2, TILE_ROWS = 12 };

typedef __m512 vf;

INLINE vf vf_zero(void) { return _mm512_setzero_ps(); }
INLINE vf vf_set(float x) { return _mm512_set1_ps(x); }
INLINE vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
INLINE void vf_store(float *p, vf v) { _mm512_storeu_ps(p, v); }
INLINE vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
INLINE vf vf_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
INLINE vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
INLINE vf vf_div(vf a, vf b) { return _mm512_div_ps(a, b); }
INLINE vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
/** NaN in either gives b's lane, as the instruction does: callers mask NaN out before. */
INLINE vf vf_max(vf a, vf b) { return _mm512_max_ps(a, b); }
/** a < b ? yes : no, lane by lane; NaN: no. */
INLINE vf vf_where_less(vf a, vf b, vf yes, vf no) { return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), no, yes); }
/** 2ⁿ⁻¹, n in the low bits of the lane. */
INLINE vf vf_half_power(vf shifted) {
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_slli_epi32(_mm512_castps_si512(shifted), 23), _mm512_set1_epi32(0x3F000000)));
}

INLINE vf vf_load_f16(const uint16_t *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)); }
/** Signed bytes. */
INLINE vf vf_load_i8(const int8_t *p) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p))); }
INLINE vf vf_load_bf16(const uint16_t *p) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p)), 16));
}
/** Lanes of two BF16 each: the even (low) and the odd (high) one. */
INLINE vf vf_even_bf16(const void *p) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_loadu_si512(p), 16)); }
INLINE vf vf_odd_bf16(const void *p) { return _mm512_castsi512_ps(_mm512_and_si512(_mm512_loadu_si512(p), _mm512_set1_epi32((int)0xFFFF0000))); }
INLINE void vf_store_f16(uint16_t *p, vf v) { _mm256_storeu_si256((__m256i *)p, _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)); }
INLINE float f16_to_f32(uint16_t h) { return _cvtsh_ss(h); }
INLINE uint16_t f32_to_f16(float f) { return (uint16_t)_cvtss_sh(f, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }

/** p[0], p[1], p[0], p[1], … */
INLINE vf vf_set_pair(const float *p) {
    double both;
    memcpy(&both, p, sizeof both);
    return _mm512_castpd_ps(_mm512_set1_pd(both));
}
/** Sums of neighbours: of a's lanes, then of b's. */
INLINE vf vf_pair_sums(vf a, vf b) {
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    return _mm512_add_ps(_mm512_permutex2var_ps(a, even, b), _mm512_permutex2var_ps(a, odd, b));
}

INLINE float f32_sum4(__m128 v) {
    v = _mm_add_ps(v, _mm_movehl_ps(v, v));
    return _mm_cvtss_f32(_mm_add_ss(v, _mm_movehdup_ps(v)));
}
/** Halves added to halves, down to one. */
INLINE float vf_sum(vf v) {
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    return f32_sum4(_mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1)));
}
INLINE float vf_greatest(vf v) { return _mm512_reduce_max_ps(v); }

#if defined(__AVX512BF16__)
#define HAS_BF16_DOT 1
/** acc + even · even + odd · odd over lanes of two BF16; subnormals count as zero, as the instruction has it. */
INLINE vf vf_dot_bf16(vf acc, const void *weights, uint32_t pair) {
    return _mm512_dpbf16_ps(acc, (__m512bh)_mm512_loadu_si512(weights), (__m512bh)_mm512_set1_epi32((int)pair));
}
#endif
