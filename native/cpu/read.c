/* The most that one thread reads from memory: four streams, like a product's panels. */
#include "isa.h"

enum { STREAMS = 4, LINE = 64, VECTORS = LINE / (4 * W) };

typedef int64_t lanes __attribute__((vector_size(4 * W), aligned(8), may_alias));

/** The sum of all words, so that no load can be left out. */
SKALD_FUNCTION(SKALD_FN(read), struct skald_read) {
    SKALD_UNUSED(first), SKALD_UNUSED(end), SKALD_UNUSED(third), SKALD_UNUSED(fourth);
    int64_t part = a->bytes / STREAMS;
    lanes sums[STREAMS] = {{0}};
    for (int64_t at = 0; at < part; at += LINE) {
        UNROLL for (int s = 0; s < STREAMS; s++) {
            UNROLL for (int v = 0; v < VECTORS; v++) sums[s] ^= *(const lanes *)bytes_at(a->from, s * part + at + v * 4 * W);
        }
    }
    lanes all = sums[0] ^ sums[1] ^ sums[2] ^ sums[3];
    int64_t sink = 0;
    for (int i = 0; i < W / 2; i++) sink ^= all[i];
    a->sink = sink;
}
