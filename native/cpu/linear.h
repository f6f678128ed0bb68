/* What the products of all weight types share. */
#ifndef SKALD_CPU_LINEAR_H
#define SKALD_CPU_LINEAR_H

enum {
    /** Bytes of a panel per step of k: a lane of 4 for each of its 16 rows. */
    STEP_BYTES = 4 * SKALD_PANEL_ROWS,
    /** A tile for few rows of activations. */
    WIDE_VECTORS = 2 * TILE_VECTORS,
    WIDE_ROWS = TILE_ROWS / 2
};

/** Vectors of weights, a step of each STEP_BYTES after the one before, and a group of activation rows. */
struct tile {
    const char *weights[WIDE_VECTORS];
    const void *activations;
    int64_t steps;
};

/** One function for each number of rows, so that sums stay in registers: by rows − 1; of TILE_VECTORS and of WIDE_VECTORS. */
#define PRODUCT(type, rows) \
    static void narrow_##type##_##rows(const struct tile *t, vf *sums) { product_##type(rows, TILE_VECTORS, t, sums); }
#define WIDE_PRODUCT(type, rows) \
    static void wide_##type##_##rows(const struct tile *t, vf *sums) { product_##type(rows, WIDE_VECTORS, t, sums); }
#define FIRST_PRODUCTS(type) \
    WIDE_PRODUCT(type, 1) WIDE_PRODUCT(type, 2) WIDE_PRODUCT(type, 3) \
    PRODUCT(type, 1) PRODUCT(type, 2) PRODUCT(type, 3) PRODUCT(type, 4) PRODUCT(type, 5) PRODUCT(type, 6)

#if defined(__AVX512F__)
#define PRODUCTS(type) \
    FIRST_PRODUCTS(type) \
    WIDE_PRODUCT(type, 4) WIDE_PRODUCT(type, 5) WIDE_PRODUCT(type, 6) \
    PRODUCT(type, 7) PRODUCT(type, 8) PRODUCT(type, 9) PRODUCT(type, 10) PRODUCT(type, 11) PRODUCT(type, 12) \
    static const struct products products_##type = {{FIRST_SIX(narrow_##type), NEXT_SIX(narrow_##type)}, {FIRST_SIX(wide_##type)}};
#else
#define PRODUCTS(type) \
    FIRST_PRODUCTS(type) \
    static const struct products products_##type = {{FIRST_SIX(narrow_##type)}, {wide_##type##_1, wide_##type##_2, wide_##type##_3}};
#endif

#endif
