/*
 * Integer sums on AVX2. Unsigned bytes times signed ones give int16 pairs, which are added up as int16 within a sub-block: 16 products of 4-bit
 * or 8 of 6-bit weights fit. A weight's offset is taken off at the start of the sum, so that only the final value need fit.
 */
enum { VECTORS = 2, VECTORS_OF_MANY = 1, ROW_GROUP = 4 };

typedef __m256i words;
typedef __m256i sums; /* int16: products of the first two and of the last two bytes of each lane */
typedef __m256i sums8;
typedef __m256i totals;
typedef __m256i scales; /* int16, twice */
typedef __m256i pairs;

INLINE words words_load(const uint8_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
INLINE words words_low4(words w) { return _mm256_and_si256(w, _mm256_set1_epi8(0x0F)); }
INLINE words words_high4(words w) { return _mm256_and_si256(_mm256_srli_epi16(w, 4), _mm256_set1_epi8(0x0F)); }
INLINE words words_add2(words nibbles, words h, const int field) {
    words moved = field == 0 ? _mm256_slli_epi16(h, 4) : field == 1 ? _mm256_slli_epi16(h, 2) : field == 2 ? h : _mm256_srli_epi16(h, 2);
    return _mm256_or_si256(nibbles, _mm256_and_si256(moved, _mm256_set1_epi8(0x30)));
}

INLINE words word_set(const void *p) {
    int32_t word;
    memcpy(&word, p, sizeof word);
    return _mm256_set1_epi32(word);
}

INLINE int32_t sum_of(const int8_t *q, const int count) {
    __m128i sums = _mm_setzero_si128(); /* of q + 128 */
    UNROLL for (int i = 0; i < count; i += 16) {
        __m128i shifted = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(q + i)), _mm_set1_epi8((char)0x80));
        sums = _mm_add_epi32(sums, _mm_sad_epu8(shifted, _mm_setzero_si128()));
    }
    return _mm_cvtsi128_si32(sums) + _mm_extract_epi32(sums, 2) - 128 * count;
}

/** For each half of a lane the offset of its own products. */
INLINE int32_t start_of(const int8_t *a, const int count, const int offset) {
    __m128i sums = _mm_setzero_si128();
    UNROLL for (int i = 0; i < count; i += 16) {
        sums = _mm_add_epi16(sums, _mm_maddubs_epi16(_mm_set1_epi8(1), _mm_loadu_si128((const __m128i *)(a + i))));
    }
    sums = _mm_add_epi16(sums, _mm_shuffle_epi32(sums, 0x4E));
    sums = _mm_add_epi16(sums, _mm_shuffle_epi32(sums, 0xB1));
    return _mm_cvtsi128_si32(_mm_mullo_epi16(sums, _mm_set1_epi16((short)-offset)));
}

INLINE sums sums_zero(void) { return _mm256_setzero_si256(); }
INLINE sums sums_start(const int32_t *start) { return word_set(start); }
INLINE sums sums_dot(sums s, words w, const int8_t *a) {
    s = _mm256_add_epi16(s, _mm256_maddubs_epi16(w, word_set(a)));
    __asm__("" : "+x"(s)); /* gcc would add in trees, and run out of registers */
    return s;
}

/* Two products of 128 · 127 just fit an int16, and −128 has an absolute value as an unsigned byte; an activation is never −128. */
enum { OFFSET8 = 0 };
INLINE words words_signed(const uint8_t *p) { return words_load(p); }
INLINE sums8 sums8_start(const int32_t *start) { return (void)start, _mm256_setzero_si256(); }
INLINE sums8 sums8_dot(sums8 s, words w, const int8_t *a) {
    __m256i products = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(word_set(a), w));
    s = _mm256_add_epi32(s, _mm256_madd_epi16(products, _mm256_set1_epi16(1)));
    __asm__("" : "+x"(s));
    return s;
}
INLINE totals totals_of8(sums8 s) { return s; }

INLINE totals totals_zero(void) { return _mm256_setzero_si256(); }
INLINE totals totals_of(sums s) { return _mm256_madd_epi16(s, _mm256_set1_epi16(1)); }
INLINE totals totals_plus(totals t, sums s) { return _mm256_add_epi32(t, totals_of(s)); }
INLINE totals totals_add(totals t, sums s, scales c) { return _mm256_add_epi32(t, _mm256_madd_epi16(s, c)); }
INLINE scales scales_u8(const uint8_t *p) {
    __m256i wide = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
    return _mm256_or_si256(wide, _mm256_slli_epi32(wide, 16));
}
INLINE scales scales_s8(const uint8_t *p) {
    __m256i wide = _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p));
    return _mm256_blend_epi16(wide, _mm256_slli_epi32(wide, 16), 0xAA);
}
INLINE pairs pairs_u8(const uint8_t *p) { return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)p)); }
INLINE totals totals_pairs(totals t, pairs m, const int16_t *s) { return _mm256_add_epi32(t, _mm256_madd_epi16(m, word_set(s))); }
INLINE vf totals_vf(totals t) { return _mm256_cvtepi32_ps(t); }

INLINE uint32_t greatest_bits(const float *x, int count) {
    __m256i most = _mm256_setzero_si256();
    for (int i = 0; i < count; i += 8) {
        __m256i bits = _mm256_loadu_si256((const __m256i *)(x + i));
        most = _mm256_max_epu32(most, _mm256_and_si256(bits, _mm256_set1_epi32(0x7FFFFFFF)));
    }
    __m128i half = _mm_max_epu32(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1));
    half = _mm_max_epu32(half, _mm_shuffle_epi32(half, 0x4E));
    half = _mm_max_epu32(half, _mm_shuffle_epi32(half, 0xB1));
    return (uint32_t)_mm_cvtsi128_si32(half);
}

INLINE void round_bytes(const float *x, float inverse, int8_t *q, int count) {
    for (int i = 0; i < count; i += 16) {
        __m256i low = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + i), _mm256_set1_ps(inverse)));
        __m256i high = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + i + 8), _mm256_set1_ps(inverse)));
        __m256i halves = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xD8);
        __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
        _mm_storeu_si128((__m128i *)(q + i), bytes);
    }
}
