/*
 * Causal attention over the paged cache, one split of 256 positions after the other. Within a split: all query rows of a unit meet the keys, a
 * lane for each of a block's 16 tokens; then the softmax over the positions that a row sees; then values are summed in ascending order, a
 * lane for each element. Each score and each element is one chain, so a row's bits don't depend on the rows beside it. Positions that a row
 * doesn't see are left out, not multiplied by zero: what lies there may be anything.
 */
#include "isa.h"

#include "attention.h"

/** What a worker needs for one item. */
struct work {
    const struct skald_attend *a;
    struct skald_unit unit;
    int32_t rows;
    int64_t dim;
    int64_t width;               /* floats of a partial result */
    float *queries;              /* groups of TILE_ROWS rows, [dim, rows of the group] */
    float *scores;               /* [rows, SCORE_STRIDE] */
    float *part, *running;       /* partial results of each row: of one split, and of all until now */
    int32_t visible[SKALD_UNIT_ROWS]; /* positions of the split that a row sees */
    /** Of a split's blocks, and of those read next; keys may be met TILE_BLOCKS at once and are fetched as many ahead. */
    const char *keys[SPLIT_BLOCKS + TILE_BLOCKS], *values[SPLIT_BLOCKS + TILE_BLOCKS];
};

static int64_t partial_width(int64_t dim) { return (dim + SKALD_PANEL_ROWS - 1) / SKALD_PANEL_ROWS * SKALD_PANEL_ROWS + SKALD_PANEL_ROWS; }

static int64_t scratch_bytes(int64_t dim) {
    return SKALD_UNIT_ROWS * (dim + SCORE_STRIDE + 2 * partial_width(dim)) * (int64_t)sizeof(float);
}

static float *greatest_of(const struct work *w, float *partial) { return partial + w->width - 2; }
static float *sum_of(const struct work *w, float *partial) { return partial + w->width - 1; }

static struct work begin(const struct skald_attend *a, int32_t unit, int32_t worker) {
    struct work w = {.a = a, .unit = a->units[unit], .dim = a->cache.head_dim};
    w.rows = w.unit.tokens * w.unit.heads;
    w.width = partial_width(w.dim);
    w.queries = (float *)((char *)a->scratch + worker * scratch_bytes(w.dim));
    w.scores = w.queries + SKALD_UNIT_ROWS * w.dim;
    w.part = w.scores + SKALD_UNIT_ROWS * SCORE_STRIDE;
    w.running = w.part + SKALD_UNIT_ROWS * w.width;
    return w;
}

static int32_t token_of(const struct work *w, int32_t row) { return w->unit.token + row / w->unit.heads; }
static int32_t head_of(const struct work *w, int32_t row) { return w->unit.head + row % w->unit.heads; }
static int32_t group_rows(const struct work *w, int32_t first) { return w->rows - first < TILE_ROWS ? w->rows - first : TILE_ROWS; }

static void load_queries(struct work *w) {
    for (int32_t first = 0; first < w->rows; first += TILE_ROWS) {
        int32_t n = group_rows(w, first);
        for (int32_t r = 0; r < n; r++) {
            const float *q = row_of(w->a->cache.qkv, token_of(w, first + r), w->a->cache.qkv_stride) + head_of(w, first + r) * w->dim;
            float *to = w->queries + first * w->dim + r;
            for (int64_t d = 0; d < w->dim; d++, to += n) *to = q[d];
        }
    }
}

/** Where the blocks of a split are, and how much of it each row sees. @return the most of any row */
static int32_t open_split(struct work *w, int32_t split) {
    const struct skald_cache *c = &w->a->cache;
    int32_t most = 0;
    for (int32_t r = 0; r < w->rows; r++) {
        int32_t seen = c->positions[token_of(w, r)] + 1 - split * SKALD_SPLIT_TOKENS;
        seen = seen < 0 ? 0 : seen > SKALD_SPLIT_TOKENS ? SKALD_SPLIT_TOKENS : seen;
        w->visible[r] = seen;
        if (seen > most) most = seen;
    }
    int64_t head = w->unit.head / (c->heads / c->kv_heads) * c->head_bytes;
    const int32_t *table = c->block_tables + c->slots[w->unit.token] * c->max_blocks + split * SPLIT_BLOCKS;
    int32_t blocks = (most + SKALD_BLOCK_TOKENS - 1) / SKALD_BLOCK_TOKENS;
    for (int32_t b = 0; b < blocks; b++) {
        int64_t at = table[b] * c->block_bytes + head;
        w->keys[b] = bytes_at(c->keys, at);
        w->values[b] = bytes_at(c->values, at);
    }
    /* What follows is fetched ahead, and met by no row; after the last block comes the last block. */
    int32_t left = c->positions[token_of(w, w->rows - 1)] / SKALD_BLOCK_TOKENS - split * SPLIT_BLOCKS;
    for (int32_t b = blocks; b < blocks + TILE_BLOCKS; b++) {
        int64_t at = table[b < left ? b : left] * c->block_bytes + head;
        w->keys[b] = bytes_at(c->keys, at);
        w->values[b] = bytes_at(c->values, at);
    }
    return most;
}

INLINE vf load(const int type, const char *from, int64_t element) {
    switch (type) {
        case SKALD_F16: return vf_load_f16((const uint16_t *)from + element);
        case SKALD_BF16: return vf_load_bf16((const uint16_t *)from + element);
        case SKALD_Q8_0: return vf_load_i8((const int8_t *)from + element); /* to be scaled */
        default: return vf_load((const float *)from + element);
    }
}

/**
 * c += dot products of a group's queries with the tokens of TILE_BLOCKS blocks, over elements from … end − 1. A head's keys in a block are 1 to 4 KiB
 * somewhere in the pool, too short for a core's own prefetching to notice, so the next keys, and the values that belong to these, are asked for
 * meanwhile: they are as long.
 */
INLINE void score_part(
    const int type, const int rows, const char *const *blocks, const char *const *values, const float *q, int64_t from, int64_t end,
    vf c[TILE_ROWS][TILE_VECTORS]) {
    q += from * rows;
    for (int64_t d = from; d < end; d++, q += rows) {
        vf k[TILE_VECTORS];
        UNROLL for (int v = 0; v < TILE_VECTORS; v++) {
            int64_t at = d * SKALD_BLOCK_TOKENS + v * W % SKALD_BLOCK_TOKENS, bytes = at * (type == SKALD_F32 ? 4 : type == SKALD_Q8_0 ? 1 : 2);
            __builtin_prefetch(blocks[v * W / SKALD_BLOCK_TOKENS + TILE_BLOCKS] + bytes);
            __builtin_prefetch(values[v * W / SKALD_BLOCK_TOKENS] + bytes, 0, 2);
            k[v] = load(type, blocks[v * W / SKALD_BLOCK_TOKENS], at);
        }
        UNROLL for (int r = 0; r < rows; r++) {
            vf a = vf_set(q[r]);
            UNROLL for (int v = 0; v < TILE_VECTORS; v++) c[r][v] = vf_fma(k[v], a, c[r][v]);
        }
    }
}

/** Those dot products. Of quantised keys each 32 elements are summed by themselves, then scaled. @param q [dim, rows] */
INLINE void score_tile(const int type, const int rows, const char *const *blocks, const char *const *values, const float *q, int64_t dim, float *scores) {
    vf c[TILE_ROWS][TILE_VECTORS];
    if (type != SKALD_Q8_0) {
        UNROLL for (int r = 0; r < rows; r++) UNROLL for (int v = 0; v < TILE_VECTORS; v++) c[r][v] = vf_zero();
        score_part(type, rows, blocks, values, q, 0, dim, c);
        UNROLL for (int r = 0; r < rows; r++) UNROLL for (int v = 0; v < TILE_VECTORS; v++) vf_store(scores + r * SCORE_STRIDE + v * W, c[r][v]);
        return;
    }
    for (int64_t from = 0; from < dim; from += SKALD_CACHE_BLOCK) {
        UNROLL for (int r = 0; r < rows; r++) UNROLL for (int v = 0; v < TILE_VECTORS; v++) c[r][v] = vf_zero();
        score_part(type, rows, blocks, values, q, from, from + SKALD_CACHE_BLOCK < dim ? from + SKALD_CACHE_BLOCK : dim, c);
        UNROLL for (int v = 0; v < TILE_VECTORS; v++) {
            vf scale = vf_load_f16(scales_of(blocks[v * W / SKALD_BLOCK_TOKENS], dim) + from / SKALD_CACHE_BLOCK * SKALD_BLOCK_TOKENS + v * W % SKALD_BLOCK_TOKENS);
            UNROLL for (int r = 0; r < rows; r++) {
                float *to = scores + r * SCORE_STRIDE + v * W;
                vf_store(to, vf_fma(c[r][v], scale, from == 0 ? vf_zero() : vf_load(to)));
            }
        }
    }
}

/** Of the quantised values of a slot, that of an element. */
INLINE float value_scale(const char *block, int64_t dim, int64_t slot, int64_t element) {
    int64_t scales = (dim + SKALD_CACHE_BLOCK - 1) / SKALD_CACHE_BLOCK;
    return f16_to_f32(scales_of(block, dim)[slot * scales + element / SKALD_CACHE_BLOCK]);
}

/** sums [rows, width] += Σ weight · value over positions from … to − 1 of a split, ascending; vectors · W elements from `element` on. */
INLINE void value_tile(const int type, const int rows, const int vectors, const struct span *s, const float *weights, float *sums) {
    vf c[TILE_ROWS][TILE_VECTORS];
    UNROLL for (int r = 0; r < rows; r++) UNROLL for (int v = 0; v < vectors; v++) c[r][v] = vf_load(sums + r * s->width + s->element + v * W);
    for (int32_t p = s->from; p < s->to; p++) {
        const char *block = s->blocks[p / SKALD_BLOCK_TOKENS];
        vf x[TILE_VECTORS];
        UNROLL for (int v = 0; v < vectors; v++) {
            x[v] = load(type, block, p % SKALD_BLOCK_TOKENS * s->dim + s->element + v * W);
            if (type == SKALD_Q8_0) x[v] = vf_mul(x[v], vf_set(value_scale(block, s->dim, p % SKALD_BLOCK_TOKENS, s->element + v * W)));
        }
        UNROLL for (int r = 0; r < rows; r++) {
            vf a = vf_set(weights[r * SCORE_STRIDE + p]);
            UNROLL for (int v = 0; v < vectors; v++) c[r][v] = vf_fma(x[v], a, c[r][v]);
        }
    }
    UNROLL for (int r = 0; r < rows; r++) UNROLL for (int v = 0; v < vectors; v++) vf_store(sums + r * s->width + s->element + v * W, c[r][v]);
}

ATTENTION_TILES(f32, SKALD_F32)
ATTENTION_TILES(f16, SKALD_F16)
ATTENTION_TILES(bf16, SKALD_BF16)
ATTENTION_TILES(q8_0, SKALD_Q8_0)

static const struct tiles *tiles_of(int64_t type) {
    switch (type) {
        case SKALD_F16: return &tiles_f16;
        case SKALD_BF16: return &tiles_bf16;
        case SKALD_Q8_0: return &tiles_q8_0;
        default: return &tiles_f32;
    }
}

static void score(const struct work *w, int32_t most) {
    const struct tiles *tiles = tiles_of(w->a->cache.type);
    for (int32_t at = 0; at < most; at += TILE_VECTORS * W) {
        for (int32_t first = 0; first < w->rows; first += TILE_ROWS) {
            tiles->score[group_rows(w, first) - 1](
                w->keys + at / SKALD_BLOCK_TOKENS, w->values + at / SKALD_BLOCK_TOKENS, w->queries + first * w->dim, w->dim, w->scores + first * SCORE_STRIDE + at);
        }
    }
}

/** Scores of a row to exp(score · scale − greatest). Slots of the last block that it doesn't see weigh exactly 0. */
static void softmax(const struct work *w, int32_t row) {
    float *scores = w->scores + row * SCORE_STRIDE, *part = w->part + row * w->width;
    int32_t seen = w->visible[row], end = (seen + SKALD_BLOCK_TOKENS - 1) / SKALD_BLOCK_TOKENS * SKALD_BLOCK_TOKENS;
    vf scale = vf_set((float)w->a->scale), most = vf_set(-INFINITY), sum = vf_zero();
    for (int32_t i = seen; i < end; i++) scores[i] = -INFINITY;
    for (int32_t i = 0; i < end; i += W) {
        vf s = vf_mul(vf_load(scores + i), scale);
        vf_store(scores + i, s);
        most = vf_max(most, s);
    }
    for (int32_t i = seen; i < end; i++) scores[i] = -INFINITY; /* whatever the sign of the scale */
    float greatest = vf_greatest(most);
    for (int32_t i = 0; i < end; i += W) {
        vf weight = vf_exp(vf_sub(vf_load(scores + i), vf_set(greatest)));
        vf_store(scores + i, weight);
        sum = vf_add(sum, weight);
    }
    memset(part, 0, (size_t)w->width * sizeof(float));
    *greatest_of(w, part) = greatest;
    *sum_of(w, part) = vf_sum(sum);
}

/** One row, element by element, for what a head's size leaves behind whole vectors. */
static void sum_rest(const struct work *w, int32_t row, int64_t element) {
    int64_t type = w->a->cache.type;
    float *sums = w->part + row * w->width;
    for (int32_t p = 0; p < w->visible[row]; p++) {
        const char *block = w->values[p / SKALD_BLOCK_TOKENS];
        float weight = w->scores[row * SCORE_STRIDE + p], value;
        for (int64_t d = element; d < w->dim; d++) {
            int64_t slot = p % SKALD_BLOCK_TOKENS, at = slot * w->dim + d;
            if (type == SKALD_Q8_0) value = value_scale(block, w->dim, slot, d) * (float)((const int8_t *)block)[at];
            else widen(type, block + at * (type == SKALD_F32 ? 4 : 2), 1, &value);
            sums[d] = fmaf(weight, value, sums[d]);
        }
    }
}

static void sum_values(const struct work *w) {
    const struct tiles *tiles = tiles_of(w->a->cache.type);
    struct span s = {.blocks = w->values, .dim = w->dim, .width = w->width};
    for (int32_t first = 0; first < w->rows; first += TILE_ROWS) {
        int32_t n = group_rows(w, first), common = w->visible[first]; /* later rows are of the same or later tokens: they see no less */
        const float *weights = w->scores + first * SCORE_STRIDE;
        float *sums = w->part + first * w->width;
        for (s.element = 0; s.element + W <= w->dim;) {
            int wide = s.element + TILE_VECTORS * W <= w->dim;
            tile_values *const *sum = wide ? tiles->wide : tiles->narrow;
            s.from = 0, s.to = common;
            sum[n - 1](&s, weights, sums);
            for (int32_t r = 0; r < n; r++) {
                s.from = common, s.to = w->visible[first + r];
                if (s.from < s.to) sum[0](&s, weights + r * SCORE_STRIDE, sums + r * w->width);
            }
            s.element += wide ? TILE_VECTORS * W : W;
        }
        if (s.element < w->dim) {
            for (int32_t r = 0; r < n; r++) sum_rest(w, first + r, s.element);
        }
    }
}

/** `to`, then `next`, which follows it. */
static void merge(const struct work *w, float *to, float *next) {
    float a = *greatest_of(w, to), b = *greatest_of(w, next);
    float most = a > b ? a : b;
    float scale_a = f32_exp(a - most), scale_b = f32_exp(b - most);
    float sum = fmaf(*sum_of(w, next), scale_b, *sum_of(w, to) * scale_a);
    for (int64_t d = 0; d < w->dim; d += W) {
        vf_store(to + d, vf_fma(vf_load(next + d), vf_set(scale_b), vf_mul(vf_load(to + d), vf_set(scale_a))));
    }
    *greatest_of(w, to) = most;
    *sum_of(w, to) = sum;
}

static void store(const struct work *w, int32_t row) {
    const float *from = w->running + row * w->width;
    float *to = out_row_of(w->a->output, token_of(w, row), w->a->output_stride) + head_of(w, row) * w->dim;
    vf inverse = vf_set(1.0f / *sum_of(w, (float *)from));
    int64_t d = 0;
    for (; d + W <= w->dim; d += W) vf_store(to + d, vf_mul(vf_load(from + d), inverse));
    if (d < w->dim) vf_store_some(to + d, vf_mul(vf_load(from + d), inverse), w->dim - d);
}

static void attend_item(const struct skald_attend *a, struct skald_item item, int32_t worker) {
    struct work w = begin(a, item.unit, worker);
    size_t bytes = (size_t)w.width * sizeof(float);
    load_queries(&w);
    for (int32_t split = item.first; split < item.end; split++) {
        int32_t most = open_split(&w, split);
        score(&w, most);
        for (int32_t r = 0; r < w.rows; r++) {
            if (w.visible[r] > 0) softmax(&w, r);
        }
        sum_values(&w);
        for (int32_t r = 0; r < w.rows; r++) {
            float *part = w.part + r * w.width;
            if (w.visible[r] == 0) continue;
            if (w.unit.partial >= 0) {
                memcpy((float *)a->partials + (w.unit.partial + (int64_t)split * w.rows + r) * w.width, part, bytes);
            } else if (split == 0) {
                memcpy(w.running + r * w.width, part, bytes);
            } else {
                merge(&w, w.running + r * w.width, part);
            }
        }
    }
    if (w.unit.partial < 0) {
        for (int32_t r = 0; r < w.rows; r++) store(&w, r);
    }
}

SKALD_FUNCTION(SKALD_FN(attend), const struct skald_attend) {
    SKALD_UNUSED(fourth);
    for (int32_t i = first; i < end; i++) attend_item(a, a->items[i], third);
}

SKALD_FUNCTION(SKALD_FN(combine), const struct skald_attend) {
    SKALD_UNUSED(fourth);
    for (int32_t i = first; i < end; i++) {
        struct work w = begin(a, a->divided[i], third);
        for (int32_t r = 0; r < w.rows; r++) {
            float *partial = (float *)a->partials + (w.unit.partial + r) * w.width, *running = w.running + r * w.width;
            int32_t splits = a->cache.positions[token_of(&w, r)] / SKALD_SPLIT_TOKENS + 1;
            memcpy(running, partial, (size_t)w.width * sizeof(float));
            for (int32_t split = 1; split < splits; split++) merge(&w, running, partial + (int64_t)split * w.rows * w.width);
            store(&w, r);
        }
    }
}

SKALD_FUNCTION(SKALD_FN(sizes), struct skald_sizes) {
    SKALD_UNUSED(first), SKALD_UNUSED(end), SKALD_UNUSED(third), SKALD_UNUSED(fourth);
    a->linear_group = TILE_ROWS;
    a->attend_scratch = scratch_bytes(a->head_dim);
    a->attend_partial = partial_width(a->head_dim) * (int64_t)sizeof(float);
}
