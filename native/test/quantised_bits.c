/*
 * Runs quantised products on cases from a file and compares their bits with those that the file expects: for instruction sets that a JVM at hand
 * can't run, under an emulator. A case: int64 layout, in, out, rows, bytes of the weight; then weight, input [rows, in] f32, bias [out] f32,
 * expected [rows, out] f32.
 */
#include "skald.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *read_bytes(FILE *file, size_t bytes) {
    void *to = aligned_alloc(64, (bytes + 127) / 64 * 64);
    if (to == 0 || fread(to, 1, bytes, file) != bytes) exit(3);
    return to;
}

static int same(float a, float b) {
    uint32_t x, y;
    memcpy(&x, &a, sizeof x), memcpy(&y, &b, sizeof y);
    return x == y || (a != a && b != b);
}

int main(int count, char **arguments) {
    if (count != 2) return 2;
    FILE *file = fopen(arguments[1], "rb");
    if (file == 0) return 2;
    int64_t head[5], cases = 0, wrong = 0;
    while (fread(head, sizeof head, 1, file) == 1) {
        int64_t in = head[1], out = head[2], rows = head[3];
        void *weight = read_bytes(file, (size_t)head[4]);
        float *input = read_bytes(file, (size_t)(4 * rows * in));
        float *bias = read_bytes(file, (size_t)(4 * out));
        float *expected = read_bytes(file, (size_t)(4 * rows * out));
        float *output = aligned_alloc(64, (size_t)(4 * rows * out + 127) / 64 * 64);
        void *prepared = aligned_alloc(64, (size_t)(8 * rows * in));
        struct skald_linear a = {weight, head[0], in, out, rows, input, 4 * in, bias, output, 4 * out, prepared};
        SKALD_FN(quantised_prepare)(&a, 0, (int32_t)rows, 0, 0);
        SKALD_FN(quantised)(&a, 0, (int32_t)((out + SKALD_PANEL_ROWS - 1) / SKALD_PANEL_ROWS), 0, (int32_t)rows);
        for (int64_t i = 0; i < rows * out; i++) {
            if (same(expected[i], output[i])) continue;
            if (wrong++ == 0) {
                printf("layout %d, in %d, out %d, rows %d: output %d is %a, expected %a\n", (int)head[0], (int)in, (int)out, (int)rows, (int)i, output[i], expected[i]);
            }
        }
        cases++;
        free(weight), free(input), free(bias), free(expected), free(output), free(prepared);
    }
    printf("%d cases, %d wrong\n", (int)cases, (int)wrong);
    return wrong != 0;
}
