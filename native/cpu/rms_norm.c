/* The residual's sum, and the norm of it by its mean square. A tail that doesn't fill a vector runs in lanes like the rest. */
#include "isa.h"

static void add(float *x, const float *delta, int64_t n) {
    int64_t i = 0;
    for (; i + W <= n; i += W) vf_store(x + i, vf_add(vf_load(x + i), vf_load(delta + i)));
    if (i < n) vf_store_some(x + i, vf_add(vf_load_some(x + i, n - i), vf_load_some(delta + i, n - i)), n - i);
}

/** Σ x²: a chain per lane of four vectors, these four in pairs, then the lanes. */
static float squares(const float *x, int64_t n) {
    vf c[4] = {vf_zero(), vf_zero(), vf_zero(), vf_zero()};
    int64_t i = 0;
    for (; i + 4 * W <= n; i += 4 * W) {
        for (int v = 0; v < 4; v++) {
            vf lane = vf_load(x + i + v * W);
            c[v] = vf_fma(lane, lane, c[v]);
        }
    }
    for (int v = 0; i < n; i += W, v++) {
        vf lane = n - i >= W ? vf_load(x + i) : vf_load_some(x + i, n - i);
        c[v] = vf_fma(lane, lane, c[v]);
    }
    return vf_sum(vf_add(vf_add(c[0], c[1]), vf_add(c[2], c[3])));
}

static void norm(const float *x, const float *weight, double eps, float *out, int64_t n) {
    vf scale = vf_set((float)(1 / sqrt((double)squares(x, n) / (double)n + eps)));
    int64_t i = 0;
    for (; i + W <= n; i += W) vf_store(out + i, vf_mul(vf_mul(vf_load(x + i), scale), vf_load(weight + i)));
    if (i < n) vf_store_some(out + i, vf_mul(vf_mul(vf_load_some(x + i, n - i), scale), vf_load_some(weight + i, n - i)), n - i);
}

SKALD_FUNCTION(SKALD_FN(norm), const struct skald_norm) {
    SKALD_UNUSED(third), SKALD_UNUSED(fourth);
    for (int64_t at = first * a->n; at < end * a->n; at += a->n) {
        if (a->delta != 0) add(a->x + at, a->delta + at, a->n);
        norm(a->x + at, a->weight, a->eps, a->output + at, a->n);
    }
}
