/* Rows of a table, widened to f32: embeddings, and the rows whose logits are wanted. */
#include "isa.h"

SKALD_FUNCTION(SKALD_FN(lookup), const struct skald_lookup) {
    SKALD_UNUSED(third), SKALD_UNUSED(fourth);
    int64_t row_bytes = a->n * (a->type == SKALD_F32 ? 4 : 2);
    for (int32_t r = first; r < end; r++) widen(a->type, bytes_at(a->table, a->rows[r] * row_bytes), a->n, a->output + r * a->n);
}
