/*
 * Products with F32, F16 and BF16 weights in panels of 16 rows. A lane is an output (F16: two lanes, for even and odd k, added at the end) and
 * its sum is one chain over ascending k, so that a row's bits don't depend on how many rows are beside it. Activation rows are interleaved
 * in groups of TILE_ROWS beforehand; a tile is TILE_VECTORS accumulators for each row of a group.
 *
 * With BF16 dot products (avx512) activations are rounded to BF16 once, as they are interleaved: twice the multiply-adds, at an error of 2⁻⁹ of each.
 */
#include "isa.h"

#include "linear.h"

/** Where the interleaved rows of the group that begins at a row lie: 4 bytes for each of their elements. */
static char *group_at(const struct skald_linear *a, int64_t row) { return (char *)a->prepared + row * (a->in + (a->in & 1)) * 4; }

/** [in, n] f32. */
static void interleave(const struct skald_linear *a, int64_t row, int64_t n, float *to) {
    const float *from[TILE_ROWS];
    for (int64_t r = 0; r < n; r++) from[r] = row_of(a->input, row + r, a->input_stride);
    for (int64_t k = 0; k < a->in; k++) {
        for (int64_t r = 0; r < n; r++) *to++ = from[r][k];
    }
    if (a->type != SKALD_F32 && a->in % 2 != 0) {
        for (int64_t r = 0; r < n; r++) *to++ = 0;
    }
}

/** [⌈in/2⌉, n, 2] f32. */
static void interleave_pairs(const struct skald_linear *a, int64_t row, int64_t n, float *to) {
    for (int64_t r = 0; r < n; r++) {
        const float *from = row_of(a->input, row + r, a->input_stride);
        float *pair = to + 2 * r;
        int64_t k = 0;
        for (; k + 2 <= a->in; k += 2, pair += 2 * n) pair[0] = from[k], pair[1] = from[k + 1];
        if (k < a->in) pair[0] = from[k], pair[1] = 0;
    }
}

#if defined(HAS_BF16_DOT)
/** [⌈in/2⌉, n, 2] BF16. */
static void interleave_bf16(const struct skald_linear *a, int64_t row, int64_t n, uint16_t *to) {
    for (int64_t r = 0; r < n; r++) {
        const float *from = row_of(a->input, row + r, a->input_stride);
        uint16_t *pair = to + 2 * r;
        int64_t k = 0;
        for (; k + 2 <= a->in; k += 2, pair += 2 * n) pair[0] = f32_to_bf16(from[k]), pair[1] = f32_to_bf16(from[k + 1]);
        if (k < a->in) pair[0] = f32_to_bf16(from[k]), pair[1] = 0;
    }
}
#endif

SKALD_FUNCTION(SKALD_FN(linear_prepare), const struct skald_linear) {
    SKALD_UNUSED(third), SKALD_UNUSED(fourth);
    for (int64_t row = first; row < end; row += TILE_ROWS) {
        int64_t n = end - row < TILE_ROWS ? end - row : TILE_ROWS;
        void *to = group_at(a, row);
        switch (a->type) {
            case SKALD_F16: interleave_pairs(a, row, n, to); break;
#if defined(HAS_BF16_DOT)
            case SKALD_BF16: interleave_bf16(a, row, n, to); break;
#endif
            default: interleave(a, row, n, to);
        }
    }
}

/** Sums of one tile: [rows, vectors · W]. */
typedef void product(const struct tile *t, vf *sums);

struct products {
    product *narrow[TILE_ROWS], *wide[WIDE_ROWS];
};

#define FOR_ALL_SUMS UNROLL for (int r = 0; r < rows; r++) UNROLL for (int v = 0; v < vectors; v++)

INLINE void product_f32(const int rows, const int vectors, const struct tile *t, vf *sums) {
    vf c[TILE_ROWS][WIDE_VECTORS];
    FOR_ALL_SUMS c[r][v] = vf_zero();
    const float *x = t->activations;
    for (int64_t s = 0; s < t->steps; s++, x += rows) {
        vf w[WIDE_VECTORS];
        UNROLL for (int v = 0; v < vectors; v++) w[v] = vf_load((const float *)bytes_at(t->weights[v], s * STEP_BYTES));
        UNROLL for (int r = 0; r < rows; r++) {
            vf a = vf_set(x[r]);
            UNROLL for (int v = 0; v < vectors; v++) c[r][v] = vf_fma(w[v], a, c[r][v]);
        }
    }
    FOR_ALL_SUMS sums[r * vectors + v] = c[r][v];
}

INLINE void product_f16(const int rows, const int vectors, const struct tile *t, vf *sums) {
    vf c[TILE_ROWS][WIDE_VECTORS];
    FOR_ALL_SUMS c[r][v] = vf_zero();
    const float *x = t->activations;
    for (int64_t s = 0; s < t->steps; s++, x += 2 * rows) {
        vf w[WIDE_VECTORS];
        UNROLL for (int v = 0; v < vectors; v++) w[v] = vf_load_f16((const uint16_t *)bytes_at(t->weights[v], s * STEP_BYTES));
        UNROLL for (int r = 0; r < rows; r++) {
            vf a = vf_set_pair(x + 2 * r);
            UNROLL for (int v = 0; v < vectors; v++) c[r][v] = vf_fma(w[v], a, c[r][v]);
        }
    }
    FOR_ALL_SUMS sums[r * vectors + v] = c[r][v];
}

#if defined(HAS_BF16_DOT)
INLINE void product_bf16(const int rows, const int vectors, const struct tile *t, vf *sums) {
    vf c[TILE_ROWS][WIDE_VECTORS];
    FOR_ALL_SUMS c[r][v] = vf_zero();
    const uint32_t *x = t->activations;
    for (int64_t s = 0; s < t->steps; s++, x += rows) {
        UNROLL for (int r = 0; r < rows; r++) {
            UNROLL for (int v = 0; v < vectors; v++) c[r][v] = vf_dot_bf16(c[r][v], bytes_at(t->weights[v], s * STEP_BYTES), x[r]);
        }
    }
    FOR_ALL_SUMS sums[r * vectors + v] = c[r][v];
}
#else
INLINE void product_bf16(const int rows, const int vectors, const struct tile *t, vf *sums) {
    vf c[TILE_ROWS][WIDE_VECTORS];
    FOR_ALL_SUMS c[r][v] = vf_zero();
    const float *x = t->activations;
    for (int64_t s = 0; s < t->steps; s++, x += 2 * rows) {
        vf w[WIDE_VECTORS];
        UNROLL for (int v = 0; v < vectors; v++) w[v] = vf_even_bf16(bytes_at(t->weights[v], s * STEP_BYTES));
        UNROLL for (int r = 0; r < rows; r++) {
            vf a = vf_set(x[r]);
            UNROLL for (int v = 0; v < vectors; v++) c[r][v] = vf_fma(w[v], a, c[r][v]);
        }
        __asm__ volatile("" ::: "memory"); /* even and odd ones in turn: with both at hand sixteen registers don't do */
        UNROLL for (int v = 0; v < vectors; v++) w[v] = vf_odd_bf16(bytes_at(t->weights[v], s * STEP_BYTES));
        UNROLL for (int r = 0; r < rows; r++) {
            vf a = vf_set(x[rows + r]);
            UNROLL for (int v = 0; v < vectors; v++) c[r][v] = vf_fma(w[v], a, c[r][v]);
        }
    }
    FOR_ALL_SUMS sums[r * vectors + v] = c[r][v];
}
#endif

PRODUCTS(f32)
PRODUCTS(f16)
PRODUCTS(bf16)

/** Adds the bias and writes those outputs that exist. @param vectors of sums for each row */
static void finish(const struct skald_linear *a, int64_t row, int64_t n, int64_t out, int vectors, const vf *sums) {
    int pairs = a->type == SKALD_F16;
    for (int64_t r = 0; r < n; r++, sums += vectors) {
        float *to = out_row_of(a->output, row + r, a->output_stride) + out;
        for (int v = 0; v < (pairs ? vectors / 2 : vectors); v++) {
            int64_t left = a->out - out - v * W;
            if (left <= 0) break;
            vf sum = pairs ? vf_pair_sums(sums[2 * v], sums[2 * v + 1]) : sums[v];
            if (left >= W) {
                if (a->bias != 0) sum = vf_add(sum, vf_load(a->bias + out + v * W));
                vf_store(to + v * W, sum);
            } else {
                if (a->bias != 0) sum = vf_add(sum, vf_load_some(a->bias + out + v * W, left));
                vf_store_some(to + v * W, sum, left);
            }
        }
    }
}

SKALD_FUNCTION(SKALD_FN(linear), const struct skald_linear) {
    int64_t steps = a->type == SKALD_F32 ? a->in : (a->in + 1) / 2;
    int pairs = a->type == SKALD_F16;
    const struct products *products = a->type == SKALD_F32 ? &products_f32 : pairs ? &products_f16 : &products_bf16;
    int lanes = pairs ? W / 2 : W; /* outputs of a vector */
    struct tile tile = {.steps = steps};
    vf sums[TILE_ROWS * TILE_VECTORS];
    int64_t end_out = (int64_t)end * SKALD_STRIPE_ROWS;
    for (int64_t out = (int64_t)first * SKALD_STRIPE_ROWS; out < end_out;) {
        /* few rows leave registers for twice the vectors: more streams of memory, more chains */
        int wide = fourth - third <= WIDE_ROWS && out + WIDE_VECTORS * lanes <= end_out;
        int vectors = wide ? WIDE_VECTORS : TILE_VECTORS;
        for (int v = 0; v < vectors; v++) {
            int64_t byte = (out + v * lanes) * 4; /* of one step, if all panels stood beside one another */
            tile.weights[v] = bytes_at(a->weight, byte / STEP_BYTES * steps * STEP_BYTES + byte % STEP_BYTES);
        }
        for (int64_t row = third; row < fourth; row += TILE_ROWS) {
            int64_t n = fourth - row < TILE_ROWS ? fourth - row : TILE_ROWS;
            tile.activations = group_at(a, row);
            (wide ? products->wide : products->narrow)[n - 1](&tile, sums);
            finish(a, row, n, out, vectors, sums);
        }
        out += vectors * lanes;
    }
}
