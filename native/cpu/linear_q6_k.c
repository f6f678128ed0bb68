/*
 * Blocks of 256 6-bit weights in sixteen sub-blocks of 16 with signed integer scales c: w = (q − 32) · c · scale. Also Q3_K, whose weights are
 * smaller. A panel, for each block: scale [16] f32; c [16, 16] s8; then for each 32 weights words [4, 16] with the low four bits, low nibbles of sub-block
 * 2i, high nibbles of sub-block 2i + 1, and words [2, 16] with the high two bits of words 0, 1 and of 2, 3: low, high, low, high nibble.
 */
#include "quants.h"

#define LAYOUT linear_q6_k
enum { BLOCK = 256, EXTRA = 16, SCALES_AT = 64, QUANTS_AT = 320, BLOCK_BYTES = 3392, OFFSET = 32 };

INLINE int64_t panel_bytes(int64_t in) { return in / BLOCK * BLOCK_BYTES; }

INLINE void extra_words(const int8_t *q, int32_t *to, int64_t stride) {
    for (int i = 0; i < EXTRA; i++) to[i * stride] = start_of(q + 16 * i, 16, OFFSET);
}

INLINE void multiply(const int R, const int V, const uint8_t *panel, int vector, int64_t blocks, const int8_t *a, vf acc[VECTORS][ROW_GROUP]) {
    for (int64_t b = 0; b < blocks; b++, panel += BLOCK_BYTES, a += RECORD_BYTES(R)) {
        const float *da = (const float *)(a + BLOCK * R);
        read_ahead(panel, QUANTS_AT);
        UNROLL for (int v = 0; v < V; v++) {
            const int lane = (vector + v) * W;
            totals t[ROW_GROUP];
            UNROLL for (int r = 0; r < R; r++) t[r] = totals_zero();
            const uint8_t *quants = panel + QUANTS_AT + 4 * lane;
            const int32_t *start = (const int32_t *)(da + R);
            const int8_t *x = a;
            ROLLED for (int i = 0; i < 8; i++, quants += 6 * LINE_BYTES, x += 32 * R, start += 2 * R) {
                sums s[ROW_GROUP];
                if (v == 0) read_ahead(quants, 6 * LINE_BYTES);
                UNROLL for (int r = 0; r < R; r++) s[r] = sums_start(start + r);
                UNROLL for (int j = 0; j < 4; j++) {
                    words top = words_load(quants + (4 + j / 2) * LINE_BYTES);
                    words w = words_add2(words_low4(words_load(quants + j * LINE_BYTES)), top, j % 2 * 2);
                    UNROLL for (int r = 0; r < R; r++) s[r] = sums_dot(s[r], w, x + 4 * (j * R + r));
                }
                scales low = scales_s8(panel + SCALES_AT + 32 * i + lane);
                UNROLL for (int r = 0; r < R; r++) t[r] = totals_add(t[r], s[r], low), s[r] = sums_start(start + R + r);
                UNROLL for (int j = 0; j < 4; j++) {
                    words top = words_load(quants + (4 + j / 2) * LINE_BYTES);
                    words w = words_add2(words_high4(words_load(quants + j * LINE_BYTES)), top, j % 2 * 2 + 1);
                    UNROLL for (int r = 0; r < R; r++) s[r] = sums_dot(s[r], w, x + 4 * ((j + 4) * R + r));
                }
                scales high = scales_s8(panel + SCALES_AT + 32 * i + 16 + lane);
                UNROLL for (int r = 0; r < R; r++) t[r] = totals_add(t[r], s[r], high);
            }
            vf d = vf_load((const float *)panel + lane);
            UNROLL for (int r = 0; r < R; r++) acc[v][r] = vf_fma(totals_vf(t[r]), vf_mul(d, vf_set(da[r])), acc[v][r]);
        }
    }
}

#include "linear_tiles.h"
