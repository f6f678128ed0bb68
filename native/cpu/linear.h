/* What the products of all weight types share. */
#ifndef SKALD_CPU_LINEAR_H
#define SKALD_CPU_LINEAR_H

/** Bytes of a panel per step of k: a lane of 4 for each of its 16 rows. */
enum { STEP_BYTES = 4 * SKALD_PANEL_ROWS };

/** TILE_VECTORS vectors of weights, a step of each STEP_BYTES after the one before, and a group of activation rows. */
struct tile {
    const char *weights[TILE_VECTORS];
    const void *activations;
    int64_t steps;
};

/** One function for each number of rows, so that sums stay in registers: products_<type>[rows − 1]. */
#define PRODUCT(type, rows) \
    static void product_##type##_##rows(const struct tile *t, vf *sums) { product_##type(rows, t, sums); }
#if defined(__AVX512F__)
#define PRODUCTS(type) \
    PRODUCT(type, 1) PRODUCT(type, 2) PRODUCT(type, 3) PRODUCT(type, 4) PRODUCT(type, 5) PRODUCT(type, 6) \
    PRODUCT(type, 7) PRODUCT(type, 8) PRODUCT(type, 9) PRODUCT(type, 10) PRODUCT(type, 11) PRODUCT(type, 12) \
    static product *const products_##type[TILE_ROWS] = {FIRST_SIX(product_##type), NEXT_SIX(product_##type)};
#else
#define PRODUCTS(type) \
    PRODUCT(type, 1) PRODUCT(type, 2) PRODUCT(type, 3) PRODUCT(type, 4) PRODUCT(type, 5) PRODUCT(type, 6) \
    static product *const products_##type[TILE_ROWS] = {FIRST_SIX(product_##type)};
#endif

#endif
