/* Integer sums on AVX-512 with VNNI: one instruction multiplies 64 unsigned bytes with signed ones and adds four products to each lane. */

/* Lanes of a vector are rows of the weight; a panel of 16 rows is VECTORS of them. Rows of activations that are multiplied together. */
enum { VECTORS = 1, VECTORS_OF_MANY = 1, ROW_GROUP = 8 };

typedef __m512i words;  /* four bytes for each lane */
typedef __m512i sums;   /* of products within a sub-block */
typedef __m512i sums8;  /* the same, of signed bytes */
typedef __m512i totals; /* int32 for each lane */
typedef __m512i scales; /* of a sub-block */
typedef __m512i pairs;  /* two int16 for each lane */

INLINE words words_load(const uint8_t *p) { return _mm512_loadu_si512(p); }
INLINE words words_low4(words w) { return _mm512_and_si512(w, _mm512_set1_epi8(0x0F)); }
INLINE words words_high4(words w) { return _mm512_and_si512(_mm512_srli_epi16(w, 4), _mm512_set1_epi8(0x0F)); }
/** nibbles | two bits of h at 2·field, put at bits 4 and 5. field: a constant. */
INLINE words words_add2(words nibbles, words h, const int field) {
    words moved = field == 0 ? _mm512_slli_epi16(h, 4) : field == 1 ? _mm512_slli_epi16(h, 2) : field == 2 ? h : _mm512_srli_epi16(h, 2);
    return _mm512_ternarylogic_epi32(nibbles, moved, _mm512_set1_epi8(0x30), 0xF8); /* a | b & c */
}

INLINE words word_set(const void *p) {
    int32_t word;
    memcpy(&word, p, sizeof word);
    return _mm512_set1_epi32(word);
}

/** Of count bytes, a multiple of 16. */
INLINE int32_t sum_of(const int8_t *q, const int count) {
    __m128i sums = _mm_setzero_si128(); /* of q + 128 */
    UNROLL for (int i = 0; i < count; i += 16) {
        __m128i shifted = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(q + i)), _mm_set1_epi8((char)0x80));
        sums = _mm_add_epi32(sums, _mm_sad_epu8(shifted, _mm_setzero_si128()));
    }
    return _mm_cvtsi128_si32(sums) + _mm_extract_epi32(sums, 2) - 128 * count;
}

/** What a sub-block's sum begins with, so that weights stored as w + offset come out as w: −offset · Σa. */
INLINE int32_t start_of(const int8_t *a, const int count, const int offset) { return -offset * sum_of(a, count); }

INLINE sums sums_zero(void) { return _mm512_setzero_si512(); }
INLINE sums sums_start(const int32_t *start) { return word_set(start); }
/** w: 0 … 63, a: four activations. */
INLINE sums sums_dot(sums s, words w, const int8_t *a) { return _mm512_dpbusd_epi32(s, w, word_set(a)); }

enum { OFFSET8 = 128 };
INLINE words words_signed(const uint8_t *p) { return _mm512_xor_si512(words_load(p), _mm512_set1_epi8((char)0x80)); }
INLINE sums8 sums8_start(const int32_t *start) { return word_set(start); }
INLINE sums8 sums8_dot(sums8 s, words w, const int8_t *a) { return _mm512_dpbusd_epi32(s, w, word_set(a)); }
INLINE totals totals_of8(sums8 s) { return s; }

INLINE totals totals_zero(void) { return _mm512_setzero_si512(); }
INLINE totals totals_of(sums s) { return s; }
INLINE totals totals_plus(totals t, sums s) { return _mm512_add_epi32(t, s); }
INLINE totals totals_add(totals t, sums s, scales c) { return _mm512_add_epi32(t, _mm512_mullo_epi32(s, c)); }
INLINE scales scales_u8(const uint8_t *p) { return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p)); }
INLINE scales scales_s8(const uint8_t *p) { return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)); }
INLINE pairs pairs_u8(const uint8_t *p) { return _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)p)); }
/** t + m₀·s₀ + m₁·s₁ */
INLINE totals totals_pairs(totals t, pairs m, const int16_t *s) { return _mm512_dpwssd_epi32(t, m, word_set(s)); }
INLINE vf totals_vf(totals t) { return _mm512_cvtepi32_ps(t); }

/** The greatest |x| of count (a multiple of 16) floats, as bits: above those of infinity if one is NaN. */
INLINE uint32_t greatest_bits(const float *x, int count) {
    __m512i most = _mm512_setzero_si512();
    for (int i = 0; i < count; i += 16) {
        most = _mm512_max_epu32(most, _mm512_and_si512(_mm512_loadu_si512(x + i), _mm512_set1_epi32(0x7FFFFFFF)));
    }
    return _mm512_reduce_max_epu32(most);
}

/** q = x · inverse, rounded half to even; count a multiple of 16. */
INLINE void round_bytes(const float *x, float inverse, int8_t *q, int count) {
    for (int i = 0; i < count; i += 16) {
        __m512 scaled = _mm512_mul_ps(_mm512_loadu_ps(x + i), _mm512_set1_ps(inverse));
        _mm_storeu_si128((__m128i *)(q + i), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(scaled)));
    }
}
