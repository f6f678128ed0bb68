/*
 * Skald's only C ABI. Java calls these functions through FFM and lays out their arguments by itself: every field of every block is 8 bytes
 * wide (an address, an int64 or a double), so that there is no padding to agree on, and field n lies at byte 8·n. Whoever changes a block, a
 * function's arguments or a layout in memory raises SKALD_ABI_VERSION, which is checked when the library is loaded.
 *
 * Functions are pure but for their outputs and the caller's scratch space: no globals, no allocation, no threads, only libc. Any thread may
 * run any range, and a range's result depends on nothing outside of it. They exist once for each instruction set, with its name as a suffix:
 * skald_linear_avx2, skald_linear_avx512, …
 */
#ifndef SKALD_H
#define SKALD_H

#include <stdint.h>

#define SKALD_ABI_VERSION 2

#define SKALD_API __attribute__((visibility("default")))

/** Element types; the numbers are those of GGUF. */
enum skald_type { SKALD_F32 = 0, SKALD_F16 = 1, SKALD_BF16 = 30 };

/** Layouts of quantised weights, numbered like the type that each holds as it is; QuantPanels in Java says what they look like. */
enum skald_layout { SKALD_Q4_0 = 2, SKALD_Q4_1 = 3, SKALD_Q5_1 = 7, SKALD_Q8_0 = 8, SKALD_Q4_K = 12, SKALD_Q5_K = 13, SKALD_Q6_K = 14 };

/** Quantised products: ranges of rows begin at multiples of it. */
enum { SKALD_QUANTISED_GROUP = 8 };

/** Rows of a linear weight that are interleaved, and what a stripe has of them. */
enum { SKALD_PANEL_ROWS = 16, SKALD_STRIPE_ROWS = 32 };

/** The widest head. */
enum { SKALD_MAX_HEAD_DIM = 1024 };

/** Tokens of a KV block, positions of an attention split, and query rows of an attention unit at most. */
enum { SKALD_BLOCK_TOKENS = 16, SKALD_SPLIT_TOKENS = 256, SKALD_UNIT_ROWS = 32 };

/** Elements of a head that share a scale in a quantised cache. */
enum { SKALD_CACHE_BLOCK = 32 };

/** out [rows, n] = rows of a table [.., n], widened to f32. */
struct skald_lookup {
    const void *table;
    int64_t type;
    int64_t n;
    const int32_t *rows;
    float *output;
};

/** x += delta; out = x / √(mean(x²) + eps) · weight. All [rows, n] f32, dense; weight [n]. delta may be null. */
struct skald_norm {
    int64_t n;
    float *x;
    const float *delta;
    const float *weight;
    double eps;
    float *output;
};

/**
 * out [rows, out] = in [rows, in] · weightᵀ + bias.
 * weight: panels of 16 rows, a lane of 4 bytes per row: F32 [panel, in, 16]; F16, BF16 [panel, ⌈in/2⌉, 16, 2]; whole stripes, zero-padded.
 * bias [out] or null; strides in bytes; prepared: 4 · rows · (in rounded up to even) bytes, written by prepare, read by the product.
 */
struct skald_linear {
    const void *weight;
    int64_t type;
    int64_t in;
    int64_t out;
    int64_t rows;
    const float *input;
    int64_t input_stride;
    const float *bias;
    float *output;
    int64_t output_stride;
    void *prepared;
};

/** out [rows, n] = silu(gate) · up, input [rows, 2n]: gate, then up. */
struct skald_gate {
    int64_t n;
    const float *input;
    float *output;
};

/**
 * Where a step's tokens and one layer of the cache are: keys [block, kv head, head dim, 16], values [block, kv head, 16, head dim]. type: SKALD_F32,
 * F16, BF16, or SKALD_Q8_0: then each head's integers are followed by f16 scales of 32 elements: keys' [⌈head dim / 32⌉, 16], values' [16, ⌈head dim / 32⌉].
 */
struct skald_cache {
    int64_t heads;
    int64_t kv_heads;
    int64_t head_dim;
    int64_t type;
    void *keys;
    void *values;
    int64_t head_bytes;
    int64_t block_bytes;
    const int32_t *block_tables; /* [slots, max_blocks] */
    int64_t max_blocks;
    float *qkv; /* [tokens, (heads + 2 · kv_heads) · head_dim] */
    int64_t qkv_stride;
    const int32_t *positions; /* per token */
    const int32_t *slots;     /* per token */
};

/** table [positions, head_dim]: cosines, then sines. */
struct skald_rope {
    struct skald_cache cache;
    const float *table;
};

/** Some tokens of one sequence and some query heads of one key/value head. partial: index of its first partial result, −1: not divided. */
struct skald_unit {
    int32_t token, tokens, head, heads, partial;
};

/** Splits first … end − 1 of a unit. */
struct skald_item {
    int32_t unit, first, end;
};

/** out [tokens, heads · head_dim]. */
struct skald_attend {
    struct skald_cache cache;
    double scale;
    float *output;
    int64_t output_stride;
    const struct skald_unit *units;
    const struct skald_item *items;
    const int32_t *divided;
    void *scratch;  /* attend_scratch bytes for each worker */
    void *partials; /* attend_partial bytes for each partial result of a divided unit */
};

/** Filled by skald_about, the one function whose form never changes: version is SKALD_ABI_VERSION, lists are separated by commas, best first. */
struct skald_about {
    int64_t version;
    const char *built; /* the instruction sets that this library was built for */
    const char *isas;  /* those of them that this processor and system can run */
};

/** What differs between instruction sets and callers have to know; filled by sizes. */
struct skald_sizes {
    int64_t head_dim;       /* in: of attention */
    int64_t linear_group;   /* activation rows that linear handles together: ranges of rows begin at multiples of it */
    int64_t attend_scratch; /* bytes for each worker */
    int64_t attend_partial; /* bytes of a partial result */
};

/** Multiply-adds in registers, of the kind that products with weights of a type are made of; quantised types: 8-bit integers. */
struct skald_peak {
    int64_t type;          /* in */
    int64_t rounds;        /* in */
    int64_t multiply_adds; /* out: done */
    double sink;           /* out: keeps the sums alive */
};

/** Reads memory as products read weights, and does nothing else: what their decode is measured by. */
struct skald_read {
    const void *from;
    int64_t bytes; /* a multiple of 1024 */
    int64_t sink;  /* out: keeps the loads alive */
};

/** All functions have this form, so that a caller needs one way to call: a block, and up to four numbers. */
#define SKALD_FUNCTION(name, block) SKALD_API void name(block *a, int32_t first, int32_t end, int32_t third, int32_t fourth)
#define SKALD_UNUSED(x) (void)(x)

SKALD_FUNCTION(skald_about, struct skald_about);

#define SKALD_PASTE3(a, b, c) a##b##_##c
#define SKALD_PASTE(a, b, c) SKALD_PASTE3(a, b, c)
/** The name of a function in the instruction set that a file is being compiled for. */
#define SKALD_FN(name) SKALD_PASTE(skald_, name, SKALD_ISA)

#if defined(SKALD_ISA)
SKALD_FUNCTION(SKALD_FN(sizes), struct skald_sizes);
SKALD_FUNCTION(SKALD_FN(peak), struct skald_peak);
SKALD_FUNCTION(SKALD_FN(read), struct skald_read);

/** Rows first … end − 1. */
SKALD_FUNCTION(SKALD_FN(lookup), const struct skald_lookup);
SKALD_FUNCTION(SKALD_FN(norm), const struct skald_norm);
SKALD_FUNCTION(SKALD_FN(gate), const struct skald_gate);

/** Activation rows first … end − 1, first a multiple of linear_group and end one too, or the number of rows. */
SKALD_FUNCTION(SKALD_FN(linear_prepare), const struct skald_linear);
/** Stripes first … end − 1, for the prepared activation rows third … fourth − 1, which are bounded as for linear_prepare. */
SKALD_FUNCTION(SKALD_FN(linear), const struct skald_linear);

/** The same for quantised layouts (type), whose panels needn't make whole stripes: panels first … end − 1; groups of rows are SKALD_QUANTISED_GROUP. */
SKALD_FUNCTION(SKALD_FN(quantised_prepare), const struct skald_linear);
SKALD_FUNCTION(SKALD_FN(quantised), const struct skald_linear);

/** Tokens first … end − 1. */
SKALD_FUNCTION(SKALD_FN(rope_store), const struct skald_rope);
/** Items (attend) or divided units (combine) first … end − 1, on worker third. */
SKALD_FUNCTION(SKALD_FN(attend), const struct skald_attend);
SKALD_FUNCTION(SKALD_FN(combine), const struct skald_attend);
#endif

#endif
