/* Turns queries in place, and turns and stores keys and stores values at each token's place in the cache. */
#include <float.h>

#include "isa.h"

/** Turns pairs (i, i + dim/2). angles: cosines [dim/2], then sines. out may be x. */
static void rotate(const float *x, const float *angles, float *out, int64_t dim) {
    int64_t half = dim / 2, i = 0;
    for (; i < half; i += W) {
        int64_t n = half - i;
        vf a, b, cos, sin;
        if (n >= W) {
            a = vf_load(x + i), b = vf_load(x + half + i), cos = vf_load(angles + i), sin = vf_load(angles + half + i);
        } else {
            a = vf_load_some(x + i, n), b = vf_load_some(x + half + i, n);
            cos = vf_load_some(angles + i, n), sin = vf_load_some(angles + half + i, n);
        }
        vf first = vf_fma(a, cos, vf_sub(vf_zero(), vf_mul(b, sin)));
        vf second = vf_fma(b, cos, vf_mul(a, sin));
        if (n >= W) {
            vf_store(out + i, first), vf_store(out + half + i, second);
        } else {
            vf_store_some(out + i, first, n), vf_store_some(out + half + i, second, n);
        }
    }
}

/** Integers `stride` apart, of each 32 elements a scale, `scale_stride` apart: QuantisedHead in Java says how, to the bit. */
static void quantise(const float *x, int64_t dim, int8_t *to, int64_t stride, uint16_t *scales, int64_t scale_stride) {
    for (int64_t first = 0; first < dim; first += SKALD_CACHE_BLOCK, scales += scale_stride) {
        int64_t end = first + SKALD_CACHE_BLOCK < dim ? first + SKALD_CACHE_BLOCK : dim;
        float most = 0;
        int finite = 1;
        for (int64_t d = first; d < end; d++) {
            float magnitude = fabsf(x[d]);
            finite &= magnitude <= FLT_MAX;
            most = magnitude > most ? magnitude : most;
        }
        *scales = f32_to_f16(finite ? most / 127.0f : NAN);
        float scale = f16_to_f32(*scales), inverse = scale > 0 ? 1.0f / scale : 0;
        for (int64_t d = first; d < end; d++) {
            float q = rintf(x[d] * inverse);
            to[d * stride] = (int8_t)(q > 127 ? 127 : q < -127 ? -127 : q == q ? q : 0);
        }
    }
}

static void store_key(int64_t type, const float *key, int64_t dim, void *to, int64_t slot) {
    switch (type) {
        case SKALD_F16:
            for (int64_t d = 0; d < dim; d++) ((uint16_t *)to)[d * SKALD_BLOCK_TOKENS + slot] = f32_to_f16(key[d]);
            break;
        case SKALD_BF16:
            for (int64_t d = 0; d < dim; d++) ((uint16_t *)to)[d * SKALD_BLOCK_TOKENS + slot] = f32_to_bf16(key[d]);
            break;
        case SKALD_Q8_0:
            quantise(key, dim, (int8_t *)to + slot, SKALD_BLOCK_TOKENS, (uint16_t *)((char *)to + SKALD_BLOCK_TOKENS * dim) + slot, SKALD_BLOCK_TOKENS);
            break;
        default:
            for (int64_t d = 0; d < dim; d++) ((float *)to)[d * SKALD_BLOCK_TOKENS + slot] = key[d];
    }
}

static void store_value(int64_t type, const float *value, int64_t dim, void *to, int64_t slot) {
    int64_t d = 0;
    switch (type) {
        case SKALD_F16: {
            uint16_t *row = (uint16_t *)to + slot * dim;
            for (; d + W <= dim; d += W) vf_store_f16(row + d, vf_load(value + d));
            for (; d < dim; d++) row[d] = f32_to_f16(value[d]);
            break;
        }
        case SKALD_BF16:
            for (; d < dim; d++) ((uint16_t *)to)[slot * dim + d] = f32_to_bf16(value[d]);
            break;
        case SKALD_Q8_0: {
            int64_t scales = (dim + SKALD_CACHE_BLOCK - 1) / SKALD_CACHE_BLOCK;
            quantise(value, dim, (int8_t *)to + slot * dim, 1, (uint16_t *)((char *)to + SKALD_BLOCK_TOKENS * dim) + slot * scales, 1);
            break;
        }
        default: memcpy((float *)to + slot * dim, value, (size_t)dim * sizeof(float));
    }
}

SKALD_FUNCTION(SKALD_FN(rope_store), const struct skald_rope) {
    SKALD_UNUSED(third), SKALD_UNUSED(fourth);
    const struct skald_cache *c = &a->cache;
    int64_t dim = c->head_dim;
    float turned[SKALD_MAX_HEAD_DIM];
    for (int32_t t = first; t < end; t++) {
        float *head = out_row_of(c->qkv, t, c->qkv_stride);
        int64_t position = c->positions[t], slot = position % SKALD_BLOCK_TOKENS;
        const float *angles = a->table + position * dim;
        for (int64_t h = 0; h < c->heads; h++, head += dim) rotate(head, angles, head, dim);
        int64_t block = c->block_tables[c->slots[t] * c->max_blocks + position / SKALD_BLOCK_TOKENS] * c->block_bytes;
        for (int64_t h = 0; h < c->kv_heads; h++, head += dim) {
            rotate(head, angles, turned, dim);
            store_key(c->type, turned, dim, (char *)c->keys + block + h * c->head_bytes, slot);
            store_value(c->type, head + c->kv_heads * dim, dim, (char *)c->values + block + h * c->head_bytes, slot);
        }
    }
}
