/*
 * Blocks of 32 signed bytes with a scale: w = q · scale. Also Q5_0 and IQ4_NL, whose integers are bytes too.
 * A panel: words [block, 8, 16 rows], k = 4j …; then scales [block, 16] f16.
 */
#include "quants.h"

#define LAYOUT linear_q8_0
enum { BLOCK = 32, EXTRA = 1, QUANT_BYTES = 512 };

INLINE int64_t panel_bytes(int64_t in) { return whole_lines(in / BLOCK * (QUANT_BYTES + HALVES_BYTES)); }

INLINE void extra_words(const int8_t *q, int32_t *to, int64_t stride) { (void)stride, *to = start_of(q, BLOCK, OFFSET8); }

INLINE void multiply(const int R, const int V, const uint8_t *panel, int vector, int64_t blocks, const int8_t *a, vf acc[VECTORS][ROW_GROUP]) {
    const uint8_t *quants = panel + vector * VECTOR_BYTES;
    const uint16_t *scale = (const uint16_t *)(panel + blocks * QUANT_BYTES) + vector * W;
    for (int64_t b = 0; b < blocks; b++) {
        const float *da = (const float *)(a + BLOCK * R);
        const int32_t *start = (const int32_t *)(da + R);
        read_ahead(quants, QUANT_BYTES);
        read_ahead_some((const uint8_t *)scale, QUANT_BYTES / HALVES_BYTES);
        UNROLL for (int v = 0; v < V; v++) {
            sums8 s[ROW_GROUP];
            UNROLL for (int r = 0; r < R; r++) s[r] = sums8_start(start + r);
            UNROLL for (int j = 0; j < 8; j++) {
                words w = words_signed(quants + j * LINE_BYTES + v * VECTOR_BYTES);
                UNROLL for (int r = 0; r < R; r++) s[r] = sums8_dot(s[r], w, a + 4 * (j * R + r));
            }
            vf d = vf_load_f16(scale + v * W);
            UNROLL for (int r = 0; r < R; r++) acc[v][r] = vf_fma(totals_vf(totals_of8(s[r])), vf_mul(d, vf_set(da[r])), acc[v][r]);
        }
        quants += QUANT_BYTES, scale += SKALD_PANEL_ROWS, a += RECORD_BYTES(R);
    }
}

#include "linear_tiles.h"
