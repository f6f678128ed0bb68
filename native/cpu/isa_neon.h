/* aarch64 NEON. */
#include <arm_neon.h>

enum { W = 4 };
/* Accumulators of a product: vectors of outputs × rows of activations. 24 of 32 registers. */
enum { TILE_VECTORS = 4, TILE_ROWS = 6 };

typedef float32x4_t vf;

INLINE vf vf_zero(void) { return vdupq_n_f32(0); }
INLINE vf vf_set(float x) { return vdupq_n_f32(x); }
INLINE vf vf_load(const float *p) { return vld1q_f32(p); }
INLINE void vf_store(float *p, vf v) { vst1q_f32(p, v); }
INLINE vf vf_add(vf a, vf b) { return vaddq_f32(a, b); }
INLINE vf vf_sub(vf a, vf b) { return vsubq_f32(a, b); }
INLINE vf vf_mul(vf a, vf b) { return vmulq_f32(a, b); }
INLINE vf vf_div(vf a, vf b) { return vdivq_f32(a, b); }
INLINE vf vf_fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
INLINE vf vf_max(vf a, vf b) { return vmaxq_f32(a, b); }
/** a < b ? yes : no, lane by lane; NaN: no. */
INLINE vf vf_where_less(vf a, vf b, vf yes, vf no) { return vbslq_f32(vcltq_f32(a, b), yes, no); }
/** 2ⁿ⁻¹, n in the low bits of the lane. */
INLINE vf vf_half_power(vf shifted) {
    return vreinterpretq_f32_s32(vaddq_s32(vshlq_n_s32(vreinterpretq_s32_f32(shifted), 23), vdupq_n_s32(0x3F000000)));
}

INLINE vf vf_load_f16(const uint16_t *p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
/** Signed bytes. */
INLINE vf vf_load_i8(const int8_t *p) {
    uint32_t four;
    memcpy(&four, p, sizeof four);
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vcreate_s8(four)))));
}
INLINE vf vf_load_bf16(const uint16_t *p) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16)); }
/** Lanes of two BF16 each: the even (low) and the odd (high) one. */
INLINE vf vf_even_bf16(const void *p) { return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_u8(vld1q_u8((const uint8_t *)p)), 16)); }
INLINE vf vf_odd_bf16(const void *p) {
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_u8(vld1q_u8((const uint8_t *)p)), vdupq_n_u32(0xFFFF0000u)));
}
INLINE void vf_store_f16(uint16_t *p, vf v) { vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(v))); }
INLINE float f16_to_f32(uint16_t h) { return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(h))), 0); }
INLINE uint16_t f32_to_f16(float f) { return vget_lane_u16(vreinterpret_u16_f16(vcvt_f16_f32(vdupq_n_f32(f))), 0); }

/** p[0], p[1], p[0], p[1], … */
INLINE vf vf_set_pair(const float *p) {
    vf both = vcombine_f32(vld1_f32(p), vld1_f32(p));
    return both;
}
/** Sums of neighbours: of a's lanes, then of b's. */
INLINE vf vf_pair_sums(vf a, vf b) { return vpaddq_f32(a, b); }

/** Halves added to halves, down to one. */
INLINE float vf_sum(vf v) {
    float32x2_t half = vadd_f32(vget_low_f32(v), vget_high_f32(v));
    return vget_lane_f32(half, 0) + vget_lane_f32(half, 1);
}
INLINE float vf_greatest(vf v) { return vmaxvq_f32(v); }
