/* Integer sums on NEON with dotprod: four products of signed bytes are added to each lane; 6-bit weights are signed bytes too. */
enum { VECTORS = 4, VECTORS_OF_MANY = 2, ROW_GROUP = 4 };

typedef uint8x16_t words;
typedef int32x4_t sums;
typedef int32x4_t sums8;
typedef int32x4_t totals;
typedef int32x4_t scales;
typedef int16x8_t pairs;

INLINE words words_load(const uint8_t *p) { return vld1q_u8(p); }
INLINE words words_low4(words w) { return vandq_u8(w, vdupq_n_u8(0x0F)); }
INLINE words words_high4(words w) { return vshrq_n_u8(w, 4); }
INLINE words words_add2(words nibbles, words h, const int field) {
    words moved = field == 0 ? vshlq_n_u8(h, 4) : field == 1 ? vshlq_n_u8(h, 2) : field == 2 ? h : vshrq_n_u8(h, 2);
    return vorrq_u8(nibbles, vandq_u8(moved, vdupq_n_u8(0x30)));
}

INLINE int8x16_t word_set(const void *p) {
    int32_t word;
    memcpy(&word, p, sizeof word);
    return vreinterpretq_s8_s32(vdupq_n_s32(word));
}

INLINE int32_t sum_of(const int8_t *q, const int count) {
    int32_t sum = 0;
    UNROLL for (int i = 0; i < count; i += 16) sum += vaddlvq_s8(vld1q_s8(q + i));
    return sum;
}

INLINE int32_t start_of(const int8_t *a, const int count, const int offset) { return -offset * sum_of(a, count); }

INLINE sums sums_zero(void) { return vdupq_n_s32(0); }
INLINE sums sums_start(const int32_t *start) { return vdupq_n_s32(*start); }
INLINE sums sums_dot(sums s, words w, const int8_t *a) { return vdotq_s32(s, vreinterpretq_s8_u8(w), word_set(a)); }

enum { OFFSET8 = 0 };
INLINE words words_signed(const uint8_t *p) { return words_load(p); }
INLINE sums8 sums8_start(const int32_t *start) { return (void)start, vdupq_n_s32(0); }
INLINE sums8 sums8_dot(sums8 s, words w, const int8_t *a) { return sums_dot(s, w, a); }
INLINE totals totals_of8(sums8 s) { return s; }

INLINE totals totals_zero(void) { return vdupq_n_s32(0); }
INLINE totals totals_of(sums s) { return s; }
INLINE totals totals_plus(totals t, sums s) { return vaddq_s32(t, s); }
INLINE totals totals_add(totals t, sums s, scales c) { return vmlaq_s32(t, s, c); }
INLINE uint8x8_t four_bytes(const uint8_t *p) {
    uint32_t word;
    memcpy(&word, p, sizeof word);
    return vcreate_u8(word);
}
INLINE scales scales_u8(const uint8_t *p) { return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(four_bytes(p))))); }
INLINE scales scales_s8(const uint8_t *p) { return vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_u8(four_bytes(p))))); }
INLINE pairs pairs_u8(const uint8_t *p) { return vreinterpretq_s16_u16(vmovl_u8(vld1_u8(p))); }
INLINE totals totals_pairs(totals t, pairs m, const int16_t *s) {
    int16x8_t twice = vreinterpretq_s16_s8(word_set(s));
    int32x4_t low = vmull_s16(vget_low_s16(m), vget_low_s16(twice));
    return vaddq_s32(t, vpaddq_s32(low, vmull_high_s16(m, twice)));
}
INLINE vf totals_vf(totals t) { return vcvtq_f32_s32(t); }

INLINE uint32_t greatest_bits(const float *x, int count) {
    uint32x4_t most = vdupq_n_u32(0);
    for (int i = 0; i < count; i += 4) most = vmaxq_u32(most, vandq_u32(vreinterpretq_u32_f32(vld1q_f32(x + i)), vdupq_n_u32(0x7FFFFFFF)));
    return vmaxvq_u32(most);
}

INLINE int16x8_t round_eight(const float *x, float inverse) {
    int32x4_t low = vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x), inverse));
    return vcombine_s16(vqmovn_s32(low), vqmovn_s32(vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + 4), inverse))));
}

INLINE void round_bytes(const float *x, float inverse, int8_t *q, int count) {
    for (int i = 0; i < count; i += 16) {
        vst1q_s8(q + i, vcombine_s8(vqmovn_s16(round_eight(x + i, inverse)), vqmovn_s16(round_eight(x + i + 8, inverse))));
    }
}
