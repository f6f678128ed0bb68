/*
 * Checks a built library of kernels against plain loops in double, for each instruction set that the machine has: check LIBRARY. Prints a line
 * for each; ends with 0, 1 after a wrong result, or 3 if the machine has none of them. It is how kernels are tested where there is no JVM: for
 * another architecture, under an emulator.
 */
#include "skald.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void function(void *, int32_t, int32_t, int32_t, int32_t);

static void *library;
static const char *isa;
static unsigned long long state = 42;

static function *find(const char *name) {
    char symbol[64];
    snprintf(symbol, sizeof symbol, "skald_%s_%s", name, isa);
    function *f = (function *)dlsym(library, symbol);
    if (f == 0) printf("no %s\n", symbol), exit(1);
    return f;
}

/** Uniform in −1 … 1. */
static float number(void) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (float)((double)(state >> 33) / (1ULL << 30) - 1);
}

static float *numbers(size_t n) {
    float *x = malloc(n * sizeof(float) + 64);
    for (size_t i = 0; i < n; i++) x[i] = number();
    return x;
}

static void close_to(double expected, float actual, double tolerance, const char *what, int i) {
    if (fabs(expected - actual) <= tolerance) return;
    printf("%s: %s: element %d is %.9g, expected %.9g within %.3g\n", isa, what, i, actual, expected, tolerance);
    exit(1);
}

static void same(const void *a, const void *b, size_t bytes, const char *what) {
    if (memcmp(a, b, bytes) == 0) return;
    printf("%s: %s: bits differ\n", isa, what);
    exit(1);
}

/** A 16-bit number of a type and what it is as f32; F16 from a mantissa of ten bits, without rounding. */
static uint16_t half(int64_t type, float *value) {
    uint32_t bits;
    if (type == SKALD_BF16) {
        memcpy(&bits, value, sizeof bits);
        bits &= 0xFFFF0000u;
        memcpy(value, &bits, sizeof bits);
        return (uint16_t)(bits >> 16);
    }
    int mantissa = (int)(*value * 1024); /* |mantissa| ≤ 1024 */
    *value = (float)mantissa / 1024;
    if (mantissa == 0) return 0;
    int size = abs(mantissa), exponent = 0;
    while (size < 1024) size <<= 1, exponent--;
    while (size >= 2048) size >>= 1, exponent++;
    return (uint16_t)((mantissa < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | (size & 1023));
}

static const int64_t TYPES[] = {SKALD_F32, SKALD_F16, SKALD_BF16};

static void check_rows(void) {
    for (int n = 1; n <= 70; n += n < 20 ? 1 : 7) {
        float *x = numbers(3 * n), *delta = numbers(3 * n), *weight = numbers(n), *before = malloc(3 * n * 4), out[3 * 70];
        memcpy(before, x, 3 * n * 4);
        struct skald_norm norm = {n, x, delta, weight, 1e-5, out};
        find("norm")(&norm, 0, 3, 0, 0);
        for (int r = 0; r < 3; r++) {
            double squares = 0;
            for (int i = 0; i < n; i++) squares += (double)x[r * n + i] * x[r * n + i];
            for (int i = 0; i < n; i++) {
                close_to((double)before[r * n + i] + delta[r * n + i], x[r * n + i], 1e-6, "addNorm's sum", i);
                close_to(x[r * n + i] / sqrt(squares / n + 1e-5) * weight[i], out[r * n + i], 4e-6, "norm", i);
            }
        }
        float *gates = numbers(4 * n);
        struct skald_gate gate = {n, gates, out};
        find("gate")(&gate, 0, 2, 0, 0);
        for (int r = 0; r < 2; r++) {
            for (int i = 0; i < n; i++) {
                double g = gates[2 * n * r + i];
                close_to(g / (1 + exp(-g)) * gates[2 * n * r + n + i], out[r * n + i], 1e-6, "gate", i);
            }
        }
        for (int t = 0; t < 3; t++) {
            char *table = malloc(5 * n * 4 + 1) + 1; /* a file's tensors may lie at odd addresses */
            float *wide = numbers(5 * n);
            for (int i = 0; i < 5 * n; i++) {
                uint16_t bits = TYPES[t] == SKALD_F32 ? 0 : half(TYPES[t], &wide[i]);
                if (TYPES[t] == SKALD_F32) memcpy(table + 4 * i, &wide[i], 4);
                else memcpy(table + 2 * i, &bits, 2);
            }
            int32_t rows[] = {4, 0};
            struct skald_lookup lookup = {table, TYPES[t], n, rows, out};
            find("lookup")(&lookup, 0, 2, 0, 0);
            same(wide + 4 * n, out, n * 4, "lookup");
            same(wide, out + n, n * 4, "lookup");
        }
    }
}

static void check_linear(int64_t type, int in, int out, int rows, double rounding) {
    int steps = type == SKALD_F32 ? in : (in + 1) / 2, panels = (out + 31) / 32 * 2;
    float *w = numbers((size_t)in * out), *x = numbers((size_t)in * rows), *bias = numbers(out);
    char *packed = calloc((size_t)panels * steps, 64);
    for (int o = 0; o < out; o++) {
        for (int k = 0; k < in; k++) {
            char *panel = packed + (size_t)(o / 16) * steps * 64;
            float *value = &w[o * in + k];
            if (type == SKALD_F32) {
                memcpy(panel + (size_t)k * 64 + o % 16 * 4, value, 4);
            } else {
                uint16_t bits = half(type, value);
                memcpy(panel + (size_t)(k / 2) * 64 + o % 16 * 4 + k % 2 * 2, &bits, 2);
            }
        }
    }
    void *prepared = malloc((size_t)rows * (in + 1) * 4);
    float *all = malloc((size_t)rows * out * 4), *alone = malloc(out * 4);
    struct skald_linear a = {packed, type, in, out, rows, x, in * 4, bias, all, out * 4, prepared};
    find("linear_prepare")(&a, 0, rows, 0, 0);
    find("linear")(&a, 0, panels / 2, 0, rows);
    for (int r = 0; r < rows; r++) {
        for (int o = 0; o < out; o++) {
            double sum = bias[o];
            for (int k = 0; k < in; k++) sum += (double)x[r * in + k] * w[o * in + k];
            close_to(sum, all[r * out + o], (in + 4) * 1e-7 + rounding * sqrt(in), "linear", r * out + o);
        }
        struct skald_linear one = {packed, type, in, out, 1, x + r * in, in * 4, bias, alone, out * 4, prepared};
        find("linear_prepare")(&one, 0, 1, 0, 0);
        find("linear")(&one, 0, panels / 2, 0, 1);
        same(all + r * out, alone, out * 4, "linear: a row alone and among others");
    }
}

/** Makes heads of numbers that Q8_0 holds exactly: 64ths, the greatest of each 32 of them 127. */
static void make_exact(float *x, int heads, int dim) {
    for (int i = 0; i < heads * dim; i++) x[i] = (float)(i % dim % 32 == 0 ? 127 : (int)(x[i] * 126)) / 64;
}

/** One sequence of `length` tokens whose blocks lie backwards in a pool that began as NaN; the last `asked` tokens attend. */
static void check_attention(int64_t type, int heads, int kv_heads, int dim, int length, int asked) {
    enum { MAX_BLOCKS = 64 };
    int blocks = (length + 15) / 16, cols = (heads + 2 * kv_heads) * dim, scales = type == SKALD_Q8_0 ? (dim + 31) / 32 : 0, group = heads / kv_heads;
    float *qkv = numbers((size_t)length * cols), *table = numbers((size_t)length * dim);
    for (int p = 0; p < length; p++) {
        for (int i = 0; i < dim; i++) table[p * dim + i] = i < dim / 2 ? 1 : 0; /* no turning: rope is checked by its own formula below */
        for (int i = heads * dim; (type == SKALD_F16 || type == SKALD_BF16) && i < cols; i++) half(type, &qkv[p * cols + i]);
        if (type == SKALD_Q8_0) make_exact(qkv + p * cols + heads * dim, 2 * kv_heads, dim);
    }
    int64_t head_bytes = (int64_t)16 * (type == SKALD_Q8_0 ? dim + 2 * scales : dim * (type == SKALD_F32 ? 4 : 2)), block_bytes = head_bytes * kv_heads;
    char *keys = malloc(block_bytes * blocks), *values = malloc(block_bytes * blocks);
    memset(keys, 0xFF, block_bytes * blocks), memset(values, 0xFF, block_bytes * blocks);
    int32_t tables[2 * MAX_BLOCKS], *positions = malloc(length * 4), *slots = malloc(length * 4);
    for (int b = 0; b < blocks; b++) tables[MAX_BLOCKS + b] = blocks - 1 - b;
    for (int p = 0; p < length; p++) positions[p] = p, slots[p] = 1;
    struct skald_cache cache = {heads, kv_heads, dim, type, keys, values, head_bytes, block_bytes, tables, MAX_BLOCKS, qkv, cols * 4, positions, slots};
    struct skald_rope rope = {cache, table};
    find("rope_store")(&rope, 0, length, 0, 0);

    struct skald_sizes sizes = {.head_dim = dim};
    find("sizes")(&sizes, 0, 0, 0, 0);
    int splits = (length + 255) / 256, first = length - asked, rows = asked * group;
    float *out = calloc((size_t)length * heads * dim, 4), *divided = calloc((size_t)length * heads * dim, 4);
    struct skald_unit units[8];
    struct skald_item whole[8], parts[64];
    int32_t numbers_of_units[8];
    for (int k = 0, i = 0; k < kv_heads; k++) {
        units[k] = (struct skald_unit){first, asked, k * group, group, -1};
        whole[k] = (struct skald_item){k, 0, splits};
        numbers_of_units[k] = k;
        for (int s = 0; s < splits; s++) parts[i++] = (struct skald_item){k, s, s + 1};
    }
    struct skald_attend a = {cache, 0.3, out, (int64_t)heads * dim * 4, units, whole, numbers_of_units,
        malloc(2 * sizes.attend_scratch), malloc(sizes.attend_partial * rows * splits * kv_heads)};
    find("attend")(&a, 0, kv_heads, 1, 0);
    for (int t = first; t < length; t++) {
        for (int h = 0; h < heads; h++) {
            double sum = 0, acc[256] = {0}, score[1024];
            for (int p = 0; p <= t; p++) {
                const float *q = qkv + t * cols + h * dim, *k = qkv + p * cols + (heads + h / group) * dim;
                score[p] = 0;
                for (int d = 0; d < dim; d++) score[p] += (double)q[d] * k[d];
                double weight = exp(score[p] * (double)0.3f);
                sum += weight;
                for (int d = 0; d < dim; d++) acc[d] += weight * k[kv_heads * dim + d];
            }
            for (int d = 0; d < dim; d++) close_to(acc[d] / sum, out[((size_t)t * heads + h) * dim + d], type == SKALD_Q8_0 ? 1e-5 : 2e-6, "attention", d);
        }
    }
    for (int k = 0; k < kv_heads; k++) units[k].partial = k * rows * splits;
    a.items = parts, a.output = divided;
    find("attend")(&a, 0, kv_heads * splits, 0, 0);
    find("combine")(&a, 0, kv_heads, 0, 0);
    same(out, divided, (size_t)length * heads * dim * 4, "attention, divided and not");
}

static void check_rope(void) {
    for (int dim = 2; dim <= 72; dim += dim < 40 ? 2 : 16) {
        float *qkv = numbers(3 * dim), *table = numbers(2 * dim), before[3 * 72], key[16 * 72], value[16 * 72];
        memcpy(before, qkv, 3 * dim * 4);
        int32_t block = 0, position = 1, slot = 0;
        struct skald_rope rope = {{1, 1, dim, SKALD_F32, key, value, 64 * dim, 64 * dim, &block, 1, qkv, 12 * dim, &position, &slot}, table};
        find("rope_store")(&rope, 0, 1, 0, 0);
        for (int i = 0; i < dim / 2; i++) {
            double cos = table[dim + i], sin = table[dim + dim / 2 + i];
            for (int part = 0; part < 2; part++) {
                const float *x = before + part * dim;
                double low = x[i] * cos - x[i + dim / 2] * sin, high = x[i + dim / 2] * cos + x[i] * sin;
                close_to(low, part == 0 ? qkv[i] : key[i * 16 + 1], 1e-6, "rope", i);
                close_to(high, part == 0 ? qkv[i + dim / 2] : key[(i + dim / 2) * 16 + 1], 1e-6, "rope", i);
            }
        }
        same(value + dim, before + 2 * dim, dim * 4, "a stored value");
    }
}

int main(int count, char **arguments) {
    if (count != 2 || (library = dlopen(arguments[1], RTLD_NOW)) == 0) return printf("check LIBRARY: %s\n", count == 2 ? dlerror() : ""), 2;
    struct skald_about about;
    ((function *)dlsym(library, "skald_about"))(&about, 0, 0, 0, 0);
    if (about.version != SKALD_ABI_VERSION) return printf("version %d\n", (int)about.version), 1;
    printf("built for %s; this machine has %s\n", about.built, about.isas[0] != 0 ? about.isas : "none of them");
    if (about.isas[0] == 0) return 3;
    char *names = strdup(about.isas);
    for (char *name = strtok(names, ","); name != 0; name = strtok(0, ",")) {
        isa = name;
        check_rows();
        check_rope();
        static const int ROWS[] = {1, 2, 5, 7, 13, 25}, WIDTHS[] = {1, 13, 64, 207};
        for (int t = 0; t < 3; t++) {
            /* where activations are rounded to BF16, each is off by its 512th part at most, and a sum of so many by a few of their root */
            double rounding = TYPES[t] == SKALD_BF16 && strcmp(isa, "avx512") == 0 ? 4.0 / 512 : 0;
            for (int r = 0; r < 6; r++) {
                for (int i = 0; i < 4; i++) check_linear(TYPES[t], WIDTHS[i], WIDTHS[(i + r) % 4], ROWS[r], rounding);
            }
        }
        static const int64_t CACHES[] = {SKALD_F32, SKALD_F16, SKALD_BF16, SKALD_Q8_0};
        for (int t = 0; t < 4; t++) {
            check_attention(CACHES[t], 4, 2, 24, 40, 5);
            check_attention(CACHES[t], 3, 3, 6, 300, 9);
            check_attention(CACHES[t], 8, 1, 64, 530, 3);
            check_attention(CACHES[t], 2, 1, 80, 17, 16);
        }
        printf("%s: all right\n", isa);
    }
    return 0;
}
