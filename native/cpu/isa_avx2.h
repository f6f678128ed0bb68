/* AVX2, FMA, F16C. */
#include <immintrin.h>

enum { W = 8 };
/* Accumulators of a product: vectors of outputs × rows of activations. 12 of 16 registers. */
enum { TILE_VECTORS = 2, TILE_ROWS = 6 };

typedef __m256 vf;

INLINE vf vf_zero(void) { return _mm256_setzero_ps(); }
INLINE vf vf_set(float x) { return _mm256_set1_ps(x); }
INLINE vf vf_load(const float *p) { return _mm256_loadu_ps(p); }
INLINE void vf_store(float *p, vf v) { _mm256_storeu_ps(p, v); }
INLINE vf vf_add(vf a, vf b) { return _mm256_add_ps(a, b); }
INLINE vf vf_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
INLINE vf vf_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
INLINE vf vf_div(vf a, vf b) { return _mm256_div_ps(a, b); }
INLINE vf vf_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
/** NaN in either gives b's lane, as the instruction does: callers mask NaN out before. */
INLINE vf vf_max(vf a, vf b) { return _mm256_max_ps(a, b); }
/** a < b ? yes : no, lane by lane; NaN: no. */
INLINE vf vf_where_less(vf a, vf b, vf yes, vf no) { return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_LT_OQ)); }
/** 2ⁿ⁻¹, n in the low bits of the lane. */
INLINE vf vf_half_power(vf shifted) {
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_slli_epi32(_mm256_castps_si256(shifted), 23), _mm256_set1_epi32(0x3F000000)));
}

INLINE vf vf_load_f16(const uint16_t *p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)); }
/** Signed bytes. */
INLINE vf vf_load_i8(const int8_t *p) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p))); }
INLINE vf vf_load_bf16(const uint16_t *p) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p)), 16));
}
/** Lanes of two BF16 each: the even (low) and the odd (high) one. */
INLINE vf vf_even_bf16(const void *p) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_loadu_si256((const __m256i *)p), 16)); }
/* By shifts: a mask would be the seventeenth register of a product. */
INLINE vf vf_odd_bf16(const void *p) {
    __m256i high = _mm256_srli_epi32(_mm256_loadu_si256((const __m256i *)p), 16);
    __asm__("" : "+x"(high)); /* or it becomes that mask */
    return _mm256_castsi256_ps(_mm256_slli_epi32(high, 16));
}
INLINE void vf_store_f16(uint16_t *p, vf v) { _mm_storeu_si128((__m128i *)p, _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)); }
INLINE float f16_to_f32(uint16_t h) { return _cvtsh_ss(h); }
INLINE uint16_t f32_to_f16(float f) { return (uint16_t)_cvtss_sh(f, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }

/** p[0], p[1], p[0], p[1], … */
INLINE vf vf_set_pair(const float *p) {
    double both;
    memcpy(&both, p, sizeof both);
    return _mm256_castpd_ps(_mm256_set1_pd(both));
}
/** Sums of neighbours: of a's lanes, then of b's. */
INLINE vf vf_pair_sums(vf a, vf b) {
    return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(_mm256_hadd_ps(a, b)), 0xD8));
}

INLINE float f32_sum4(__m128 v) {
    v = _mm_add_ps(v, _mm_movehl_ps(v, v));
    return _mm_cvtss_f32(_mm_add_ss(v, _mm_movehdup_ps(v)));
}
/** Halves added to halves, down to one. */
INLINE float vf_sum(vf v) { return f32_sum4(_mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1))); }
INLINE float vf_greatest(vf v) {
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}
