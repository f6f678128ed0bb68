/*
 * Quantised products, for every instruction set alike: weights are small integers with a scale for each block, activations are rounded to int8
 * with one f32 scale for each block; products are summed exactly as int32 within a block and then enter the f32 sum with one fused multiply-add,
 * blocks in ascending order. So results are the same bits on every instruction set and for any number of rows.
 */
#ifndef SKALD_CPU_QUANTS_H
#define SKALD_CPU_QUANTS_H

#include "isa.h"

#if defined(__AVX512F__)
#include "quants_avx512.h"
#elif defined(__AVX2__)
#include "quants_avx2.h"
#else
#include "quants_neon.h"
#endif

enum { WORD_BYTES = 4, VECTOR_BYTES = WORD_BYTES * W, LINE_BYTES = WORD_BYTES * SKALD_PANEL_ROWS, HALVES_BYTES = 2 * SKALD_PANEL_ROWS };

/* Of R prepared rows: one block of activations, their scales, and what a layout adds. */
#define RECORD_BYTES(R) ((BLOCK + 4 + 4 * EXTRA) * (R))

#define ROLLED _Pragma("GCC unroll 1")

/*
 * A core's own prefetching doesn't see past a page and starts late; measured best at 4 KiB, and into the second cache: the first has too few
 * places for lines that are on their way.
 */
enum { AHEAD = 4096, SECOND_CACHE = 2 };

INLINE void read_ahead(const uint8_t *p, const int bytes) {
    UNROLL for (int i = 0; i < bytes; i += LINE_BYTES) __builtin_prefetch(p + AHEAD + i, 0, SECOND_CACHE);
}

/** For a second stream, narrower by a factor. */
INLINE void read_ahead_some(const uint8_t *p, const int narrower) { __builtin_prefetch(p + AHEAD / narrower, 0, SECOND_CACHE); }

INLINE int64_t whole_lines(int64_t bytes) { return (bytes + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES; }

/** Two int16 in a word. */
INLINE int32_t pair_of(int32_t low, int32_t high) { return (int32_t)((uint32_t)high << 16 | (uint16_t)low); }

INLINE int32_t float_bits(float f) {
    int32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* 2⁻¹⁰⁰: below it 127 / x could overflow; such activations count as zeros. */
#define LEAST_ACTIVATION 0x1p-100f

/**
 * Rounds one block of activations: scale = max|x| / 127, q = x · (127 / max|x|), half to even. A block with an infinity or NaN gets a NaN for a scale,
 * which reaches every output of its row, and of no other.
 */
INLINE float quantise_block(const float *x, int8_t *q, int count) {
    uint32_t bits = greatest_bits(x, count);
    float greatest;
    memcpy(&greatest, &bits, sizeof greatest);
    if (bits < 0x7F800000u && greatest >= LEAST_ACTIVATION) {
        round_bytes(x, 127.0f / greatest, q, count);
        return greatest / 127.0f;
    }
    memset(q, 0, (size_t)count);
    return bits < 0x7F800000u ? 0.0f : NAN;
}

/* Of each layout: rows first_row … end_row − 1 prepared; panels first … end − 1 for prepared rows. Bounds of rows as skald.h has them. */
#define LAYOUT_FUNCTIONS(layout) \
    void SKALD_FN(layout##_prepare)(const struct skald_linear *a, int64_t first_row, int64_t end_row); \
    void SKALD_FN(layout)(const struct skald_linear *a, int64_t first, int64_t end, int64_t first_row, int64_t end_row);
LAYOUT_FUNCTIONS(linear_q4_0)
LAYOUT_FUNCTIONS(linear_q4_1)
LAYOUT_FUNCTIONS(linear_q5_1)
LAYOUT_FUNCTIONS(linear_q8_0)
LAYOUT_FUNCTIONS(linear_q4_k)
LAYOUT_FUNCTIONS(linear_q5_k)
LAYOUT_FUNCTIONS(linear_q6_k)

#endif
