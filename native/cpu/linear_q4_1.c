/*
 * Blocks of 32 4-bit weights with a scale and a minimum: w = q · scale + minimum.
 * A panel: words as of Q4_0; then scales and minima [block, 2, 16] f16.
 */
#include "quants.h"

#define LAYOUT linear_q4_1
enum { BLOCK = 32, EXTRA = 1, QUANT_BYTES = 256 };

INLINE int64_t panel_bytes(int64_t in) { return in / BLOCK * (QUANT_BYTES + 2 * HALVES_BYTES); }

INLINE void extra_words(const int8_t *q, int32_t *to, int64_t stride) { (void)stride, *to = float_bits((float)sum_of(q, BLOCK)); }

INLINE void multiply(const int R, const int V, const uint8_t *panel, int vector, int64_t blocks, const int8_t *a, vf acc[VECTORS][ROW_GROUP]) {
    const uint8_t *quants = panel + vector * VECTOR_BYTES;
    const uint16_t *scale = (const uint16_t *)(panel + blocks * QUANT_BYTES) + vector * W;
    for (int64_t b = 0; b < blocks; b++) {
        const float *da = (const float *)(a + BLOCK * R), *sum = da + R;
        read_ahead(quants, QUANT_BYTES);
        read_ahead_some((const uint8_t *)scale, QUANT_BYTES / (2 * HALVES_BYTES));
        UNROLL for (int v = 0; v < V; v++) {
            sums s[ROW_GROUP];
            UNROLL for (int r = 0; r < R; r++) s[r] = sums_zero();
            UNROLL for (int j = 0; j < 4; j++) {
                words w = words_load(quants + j * LINE_BYTES + v * VECTOR_BYTES);
                words low = words_low4(w), high = words_high4(w);
                UNROLL for (int r = 0; r < R; r++) s[r] = sums_dot(s[r], low, a + 4 * (j * R + r));
                UNROLL for (int r = 0; r < R; r++) s[r] = sums_dot(s[r], high, a + 4 * ((j + 4) * R + r));
            }
            vf d = vf_load_f16(scale + v * W), m = vf_load_f16(scale + SKALD_PANEL_ROWS + v * W);
            UNROLL for (int r = 0; r < R; r++) {
                acc[v][r] = vf_fma(totals_vf(totals_of(s[r])), vf_mul(d, vf_set(da[r])), acc[v][r]);
                acc[v][r] = vf_fma(vf_set(sum[r]), vf_mul(m, vf_set(da[r])), acc[v][r]);
            }
        }
        quants += QUANT_BYTES, scale += 2 * SKALD_PANEL_ROWS, a += RECORD_BYTES(R);
    }
}

#include "linear_tiles.h"
