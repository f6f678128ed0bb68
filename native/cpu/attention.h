/* Attention's tiles: one function for each type and number of rows, so that sums stay in registers. */
#ifndef SKALD_CPU_ATTENTION_H
#define SKALD_CPU_ATTENTION_H

enum {
    /** Blocks that TILE_VECTORS vectors hold one element of each token of. */
    TILE_BLOCKS = TILE_VECTORS * W / SKALD_BLOCK_TOKENS,
    SPLIT_BLOCKS = SKALD_SPLIT_TOKENS / SKALD_BLOCK_TOKENS,
    /** Floats from one row's scores to the next: a split, and room for a last block that was met twice. */
    SCORE_STRIDE = SKALD_SPLIT_TOKENS + SKALD_BLOCK_TOKENS
};

/** Where a block's scales of quantised keys or values begin, as f16. */
INLINE const uint16_t *scales_of(const char *block, int64_t dim) { return (const uint16_t *)(block + SKALD_BLOCK_TOKENS * dim); }

/** Positions from … to − 1 of a split, and the elements of their values that a tile sums. */
struct span {
    const char *const *blocks;
    int64_t dim, width, element;
    int32_t from, to;
};

typedef void tile_scores(const char *const *blocks, const char *const *values, const float *q, int64_t dim, float *scores);
typedef void tile_values(const struct span *s, const float *weights, float *sums);

/** By rows − 1; wide: TILE_VECTORS vectors of values at once, narrow: one. */
struct tiles {
    tile_scores *score[TILE_ROWS];
    tile_values *wide[TILE_ROWS], *narrow[TILE_ROWS];
};

#define ATTENTION_TILE(name, type, rows) \
    static void score_##name##_##rows(const char *const *b, const char *const *v, const float *q, int64_t dim, float *s) { score_tile(type, rows, b, v, q, dim, s); } \
    static void wide_##name##_##rows(const struct span *s, const float *w, float *sums) { value_tile(type, rows, TILE_VECTORS, s, w, sums); } \
    static void narrow_##name##_##rows(const struct span *s, const float *w, float *sums) { value_tile(type, rows, 1, s, w, sums); }

#define ATTENTION_SIX(name, type) \
    ATTENTION_TILE(name, type, 1) ATTENTION_TILE(name, type, 2) ATTENTION_TILE(name, type, 3) \
    ATTENTION_TILE(name, type, 4) ATTENTION_TILE(name, type, 5) ATTENTION_TILE(name, type, 6)

#if defined(__AVX512F__)
#define ATTENTION_TILES(name, type) \
    ATTENTION_SIX(name, type) \
    ATTENTION_TILE(name, type, 7) ATTENTION_TILE(name, type, 8) ATTENTION_TILE(name, type, 9) \
    ATTENTION_TILE(name, type, 10) ATTENTION_TILE(name, type, 11) ATTENTION_TILE(name, type, 12) \
    static const struct tiles tiles_##name = { \
        {FIRST_SIX(score_##name), NEXT_SIX(score_##name)}, {FIRST_SIX(wide_##name), NEXT_SIX(wide_##name)}, \
        {FIRST_SIX(narrow_##name), NEXT_SIX(narrow_##name)}};
#else
#define ATTENTION_TILES(name, type) \
    ATTENTION_SIX(name, type) \
    static const struct tiles tiles_##name = {{FIRST_SIX(score_##name)}, {FIRST_SIX(wide_##name)}, {FIRST_SIX(narrow_##name)}};
#endif

#endif
