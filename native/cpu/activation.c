/* The gate of a gated feed-forward layer. */
#include "isa.h"

INLINE vf silu(vf gate, vf up) { return vf_mul(vf_div(gate, vf_add(vf_exp(vf_sub(vf_zero(), gate)), vf_set(1.0f))), up); }

SKALD_FUNCTION(SKALD_FN(gate), const struct skald_gate) {
    SKALD_UNUSED(third), SKALD_UNUSED(fourth);
    int64_t n = a->n;
    for (int64_t r = first; r < end; r++) {
        const float *gate = a->input + 2 * n * r, *up = gate + n;
        float *out = a->output + n * r;
        int64_t i = 0;
        for (; i + W <= n; i += W) vf_store(out + i, silu(vf_load(gate + i), vf_load(up + i)));
        if (i < n) vf_store_some(out + i, silu(vf_load_some(gate + i, n - i), vf_load_some(up + i, n - i)), n - i);
    }
}
