/*
 * Blocks of 256 5-bit weights, a byte each, in sixteen sub-blocks of 16 with integer scales c and minima m: w = q · c · scale − m · minimum,
 * 0 ≤ q < 32. Q5_K (whose sub-blocks of 32 become two) and Q2_K.
 * A panel, for each block: scale [16] f16, minimum [16] f16; c [16, 16] u8; m [8, 16, 2] u8, of two sub-blocks at a time; words [64, 16].
 */
#include "quants.h"

#define LAYOUT linear_q5_k
enum { BLOCK = 256, EXTRA = 8, SCALES_AT = 64, MINIMA_AT = 320, QUANTS_AT = 576, BLOCK_BYTES = 4672 };

INLINE int64_t panel_bytes(int64_t in) { return in / BLOCK * BLOCK_BYTES; }

/** Sums of 16 activations, two to a word. */
INLINE void extra_words(const int8_t *q, int32_t *to, int64_t stride) {
    for (int i = 0; i < EXTRA; i++) to[i * stride] = pair_of(sum_of(q + 32 * i, 16), sum_of(q + 32 * i + 16, 16));
}

INLINE void multiply(const int R, const int V, const uint8_t *panel, int vector, int64_t blocks, const int8_t *a, vf acc[VECTORS][ROW_GROUP]) {
    for (int64_t b = 0; b < blocks; b++, panel += BLOCK_BYTES, a += RECORD_BYTES(R)) {
        const float *da = (const float *)(a + BLOCK * R);
        const int16_t *pair = (const int16_t *)(da + R);
        read_ahead(panel, QUANTS_AT);
        UNROLL for (int v = 0; v < V; v++) {
            const int lane = (vector + v) * W;
            totals t[ROW_GROUP], m[ROW_GROUP];
            UNROLL for (int r = 0; r < R; r++) t[r] = m[r] = totals_zero();
            const uint8_t *quants = panel + QUANTS_AT + 4 * lane;
            const int8_t *x = a;
            ROLLED for (int i = 0; i < 16; i++, quants += 4 * LINE_BYTES, x += 16 * R) {
                sums s[ROW_GROUP];
                if (v == 0) read_ahead(quants, 4 * LINE_BYTES);
                UNROLL for (int r = 0; r < R; r++) s[r] = sums_zero();
                UNROLL for (int j = 0; j < 4; j++) {
                    words w = words_load(quants + j * LINE_BYTES);
                    UNROLL for (int r = 0; r < R; r++) s[r] = sums_dot(s[r], w, x + 4 * (j * R + r));
                }
                scales c = scales_u8(panel + SCALES_AT + 16 * i + lane);
                UNROLL for (int r = 0; r < R; r++) t[r] = totals_add(t[r], s[r], c);
            }
            UNROLL for (int i = 0; i < EXTRA; i++) {
                pairs p = pairs_u8(panel + MINIMA_AT + 32 * i + 2 * lane);
                UNROLL for (int r = 0; r < R; r++) m[r] = totals_pairs(m[r], p, pair + 2 * (i * R + r));
            }
            vf d = vf_load_f16((const uint16_t *)panel + lane);
            vf least = vf_mul(vf_load_f16((const uint16_t *)panel + SKALD_PANEL_ROWS + lane), vf_set(-1.0f));
            UNROLL for (int r = 0; r < R; r++) {
                acc[v][r] = vf_fma(totals_vf(t[r]), vf_mul(d, vf_set(da[r])), acc[v][r]);
                acc[v][r] = vf_fma(totals_vf(m[r]), vf_mul(least, vf_set(da[r])), acc[v][r]);
            }
        }
    }
}

#include "linear_tiles.h"
