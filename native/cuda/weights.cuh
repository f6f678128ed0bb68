// Integer weights of tokens, as dev.skald.sampling.Weights defines them: each operation rounded once, none contracted.
#pragma once
#include "skald.cuh"

typedef unsigned long long Weight;

constexpr Weight ONE = 1ull << 40;
constexpr double CUTOFF = -28.5;
constexpr double LN2_HIGH = 0x1.62e42feep-1, LN2_LOW = 0x1.a39ef35793c76p-33;

/** exp(x) · 2⁴⁰, rounded. @param x 0 or less, not NaN */
__device__ inline Weight weightOf(double x) {
    x = x > CUTOFF ? x : CUTOFF;
    double whole = (x * 0x1.71547652b82fep0 + 0x1.8p52) - 0x1.8p52;
    double r = (x - whole * LN2_HIGH) - whole * LN2_LOW;
    double r2 = r * r, r4 = r2 * r2, r8 = r4 * r4;
    double low = (1 + r) + (0.5 + 0x1.5555555555555p-3 * r) * r2;
    double middle = (0x1.5555555555555p-5 + 0x1.1111111111111p-7 * r) + (0x1.6c16c16c16c17p-10 + 0x1.a01a01a01a01ap-13 * r) * r2;
    double high = (0x1.a01a01a01a01ap-16 + 0x1.71de3a556c734p-19 * r) + (0x1.27e4fb7789f5cp-22 + 0x1.ae64567f544e4p-26 * r) * r2;
    double fraction = (low + middle * r4) + high * r8;
    return Weight(fraction * __longlong_as_double((1023 + 40 + (long long)whole) << 52) + 0.5);
}

/** Natural logarithm. @param v finite, positive, normal */
__device__ inline double logOf(double v) {
    long long bits = __double_as_longlong(v);
    int exponent = int(bits >> 52) - 1023;
    double m = __longlong_as_double((bits & 0xfffffffffffffll) | 1023ll << 52);
    if (m > 0x1.6a09e667f3bcdp0) {
        m *= 0.5;
        exponent++;
    }
    double s = (m - 1) / (m + 1), q = s * s, sum = 0;
    for (int odd = 21; odd >= 3; odd -= 2) sum = (sum + 1.0 / odd) * q;
    return exponent * LN2_HIGH + (exponent * LN2_LOW + (2 * s * sum + 2 * s));
}

/** ⌈share · total⌉, exact. @param share 0 … 1 */
__device__ inline Weight shareOf(float share, Weight total) {
    int bits = __float_as_int(share), exponent = bits >> 23;
    Weight mantissa = exponent == 0 ? Weight(bits) : Weight((bits & 0x7fffff) | 0x800000);
    int shift = 150 - max(exponent, 1);
    Weight high = __umul64hi(mantissa, total), low = mantissa * total;
    if (shift < 64) {
        Weight floor = high << (64 - shift) | low >> shift;
        return (low & ((1ull << shift) - 1)) == 0 ? floor : floor + 1;
    }
    if (shift >= 128) return high == 0 && low == 0 ? 0 : 1;
    Weight floor = shift == 64 ? high : high >> (shift - 64);
    bool exact = low == 0 && (high & ((1ull << (shift - 64)) - 1)) == 0;
    return exact ? floor : floor + 1;
}

constexpr int INVALID = -1, NOTHING_LEFT = -2;

/** The lowest id of the greatest logit; INVALID if there is a NaN or +∞, NOTHING_LEFT if all are −∞. All threads of the block get it. */
__device__ inline int argmax(const float* row, int n, float& most) {
    __shared__ float scratch[WARPS];
    __shared__ int firsts[WARPS];
    float mine = -INFINITY;
    int broken = 0;
    for (int id = threadIdx.x; id < n; id += BLOCK) {
        float v = row[id];
        if (!(v < INFINITY)) broken = 1;
        mine = v > mine ? v : mine;
    }
    most = blockMax(mine, scratch);
    int first = n;
    for (int id = threadIdx.x; id < n; id += BLOCK) {
        if (row[id] == most) {
            first = id;
            break;
        }
    }
    first = -blockMax(-first, firsts);
    broken = blockMax(broken, firsts);
    return broken ? INVALID : most == -INFINITY ? NOTHING_LEFT : first;
}

/** What a step tells of its rows: [maxRows] tokens, log-probabilities, ranks, then [maxRows, maxTop] ids and log-probabilities of the most likely. */
struct Output {
    int* block;
    int maxRows, maxTop;

    __device__ int& token(int r) const { return block[r]; }
    __device__ float& logprob(int r) const { return reinterpret_cast<float*>(block)[maxRows + r]; }
    __device__ int& rank(int r) const { return block[2 * maxRows + r]; }
    __device__ int& topToken(int r, int k) const { return block[3 * maxRows + r * maxTop + k]; }
    __device__ float& topLogprob(int r, int k) const { return reinterpret_cast<float*>(block)[(3 + maxTop) * maxRows + r * maxTop + k]; }
};
