/*
 * The frame of a quantised product; included by each layout's file, which has defined
 *   LAYOUT        its name, for the functions' names
 *   BLOCK         activations that share a scale
 *   EXTRA         further words that its kernels read for each row and block, written by extra_words(q, to, stride in words)
 *   panel_bytes   of a panel of 16 rows, from the row's length
 *   multiply      const rows R, const vectors V: adds all blocks of a panel's lanes, from a vector on, times R prepared rows to acc [V, R]
 *
 * Prepared rows stand in groups of ROW_GROUP (the last may be smaller: R rows), one block after the other:
 * words of four activations [BLOCK / 4, R], scales [R] f32, extra words [EXTRA, R].
 */
#define TILES_PASTE3(a, b) a##b
#define TILES_PASTE(a, b) TILES_PASTE3(a, b)
#define LAYOUT_FN(suffix) SKALD_FN(TILES_PASTE(LAYOUT, suffix))

enum { RECORD_WORDS = BLOCK / 4 + 1 + EXTRA };

INLINE int64_t prepared_row_bytes(int64_t in) { return in / BLOCK * RECORD_WORDS * WORD_BYTES; }

INLINE int64_t rows_of_group(const struct skald_linear *a, int64_t first) { return a->rows - first < ROW_GROUP ? a->rows - first : ROW_GROUP; }

void LAYOUT_FN(_prepare)(const struct skald_linear *a, int64_t first_row, int64_t end_row) {
    for (int64_t group = first_row; group < end_row; group += ROW_GROUP) {
        int64_t rows = rows_of_group(a, group);
        int32_t *to = (int32_t *)((char *)a->prepared + group * prepared_row_bytes(a->in));
        for (int64_t k = 0; k < a->in; k += BLOCK, to += RECORD_WORDS * rows) {
            for (int64_t r = 0; r < rows; r++) {
                int8_t q[BLOCK] __attribute__((aligned(64)));
                float scale = quantise_block(row_of(a->input, group + r, a->input_stride) + k, q, BLOCK);
                UNROLL for (int i = 0; i < BLOCK / 4; i++) memcpy(to + i * rows + r, q + 4 * i, WORD_BYTES);
                memcpy(to + BLOCK / 4 * rows + r, &scale, WORD_BYTES);
                extra_words(q, to + (BLOCK / 4 + 1) * rows + r, rows);
            }
        }
    }
}

/** Outputs out … out + W − 1 of a row; those past the end are padding. */
INLINE void finish(const struct skald_linear *a, int64_t row, int64_t out, vf sum) {
    int64_t left = a->out - out;
    float *to = out_row_of(a->output, row, a->output_stride) + out;
    if (left >= W) {
        vf_store(to, a->bias ? vf_add(sum, vf_load(a->bias + out)) : sum);
    } else if (left > 0) {
        vf_store_some(to, a->bias ? vf_add(sum, vf_load_some(a->bias + out, left)) : sum, left);
    }
}

INLINE void tile(const int R, const int V, const struct skald_linear *a, int64_t panel, int64_t row) {
    const uint8_t *weight = (const uint8_t *)a->weight + panel * panel_bytes(a->in);
    const int8_t *prepared = (const int8_t *)a->prepared + row * prepared_row_bytes(a->in);
    for (int v = 0; v < VECTORS; v += V) {
        vf acc[VECTORS][ROW_GROUP];
        UNROLL for (int i = 0; i < V; i++) {
            UNROLL for (int r = 0; r < R; r++) acc[i][r] = vf_zero();
        }
        multiply(R, V, weight, v, a->in / BLOCK, prepared, acc);
        UNROLL for (int r = 0; r < R; r++) {
            UNROLL for (int i = 0; i < V; i++) finish(a, row + r, panel * SKALD_PANEL_ROWS + (v + i) * W, acc[i][r]);
        }
    }
}

#define TILE(R, V) static __attribute__((noinline)) void tile_##R(const struct skald_linear *a, int64_t p, int64_t r) { tile(R, V, a, p, r); }
TILE(1, VECTORS)
TILE(2, VECTORS)
TILE(3, VECTORS_OF_MANY)
TILE(4, VECTORS_OF_MANY)
#if defined(__AVX512F__)
TILE(5, VECTORS_OF_MANY)
TILE(6, VECTORS_OF_MANY)
TILE(7, VECTORS_OF_MANY)
TILE(8, VECTORS_OF_MANY)
#endif

void LAYOUT_FN()(const struct skald_linear *a, int64_t first, int64_t end, int64_t first_row, int64_t end_row) {
    for (int64_t panel = first; panel < end; panel++) {
        for (int64_t row = first_row; row < end_row; row += ROW_GROUP) {
            switch (rows_of_group(a, row)) {
                case 1: tile_1(a, panel, row); break;
                case 2: tile_2(a, panel, row); break;
                case 3: tile_3(a, panel, row); break;
                case 4: tile_4(a, panel, row); break;
#if defined(__AVX512F__)
                case 5: tile_5(a, panel, row); break;
                case 6: tile_6(a, panel, row); break;
                case 7: tile_7(a, panel, row); break;
                default: tile_8(a, panel, row);
#endif
            }
        }
    }
}
