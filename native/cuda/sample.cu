// Draws a token for each row, bitwise as dev.skald.sampling.Sampler does: weights and their sums are integers, so threads may add in any order. One block per row.
#include "weights.cuh"

struct SampleArgs {
    Step step;
    const float* logits;  // [rows, stride]: adjusted
    Output output;
    int stride, pad;
};

/** 64 bits of Philox4x32-10 (Salmon et al., SC 2011): word 0 above word 1. */
__device__ inline Weight philox(const SlotState& s, int position) {
    unsigned c0 = position, c1 = s.choice, c2 = 0, c3 = 0, k0 = s.seedLow, k1 = s.seedHigh;
    for (int round = 0; round < 10; round++) {
        unsigned high0 = __umulhi(0xD2511F53u, c0), low0 = 0xD2511F53u * c0;
        unsigned high1 = __umulhi(0xCD9E8D57u, c2), low1 = 0xCD9E8D57u * c2;
        c0 = high1 ^ c1 ^ k0;
        c1 = low1;
        c2 = high0 ^ c3 ^ k1;
        c3 = low0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return Weight(c0) << 32 | c1;
}

/** Order of the floats, −0 equal to +0. */
__device__ inline unsigned ordered(float logit) {
    int bits = __float_as_int(logit + 0.0f);
    return unsigned(bits ^ (bits >> 31 & 0x7fffffff)) ^ 0x80000000u;
}

/** Which tokens are left: those above a cut in logits and one in weights, of equal ones the lowest ids, and those that reach a share of the greatest. */
struct Filter {
    const float* row;
    int n;
    double most, inverse;
    unsigned leastKey;    // top-k keeps greater keys, and equal ones up to an id
    int lastKeyId;
    Weight leastWeight;   // top-p likewise
    int lastWeightId;
    Weight least;         // min-p

    __device__ Weight weight(int id) const { return weightOf((double(row[id]) - most) * inverse); }
    __device__ bool inTopK(int id) const {
        unsigned key = ordered(row[id]);
        return key > leastKey || (key == leastKey && id <= lastKeyId);
    }
    /** 0: not among those that may be drawn. */
    __device__ Weight kept(int id) const {
        if (!inTopK(id)) return 0;
        Weight w = weight(id);
        if (w < least || w < leastWeight || (w == leastWeight && id > lastWeightId)) return 0;
        return w;
    }
};

constexpr int DIGIT = 11, DIGITS = 1 << DIGIT;

/**
 * Where a descending order of keys is cut: keys above the result keep less than `target` of amount, with it they reach it. Most significant digits first.
 *
 * @param keyOf, amountOf of an id; an amount of 0 takes part in nothing
 * @param amounts [DIGITS] shared
 * @param left    what greater keys leave of the target
 */
template <class Key, class Amount> __device__ Weight cut(int n, int bits, Weight target, Weight* amounts, Key keyOf, Amount amountOf, Weight& left) {
    __shared__ Weight found[2];
    Weight prefix = 0;
    for (int shift = (bits + DIGIT - 1) / DIGIT * DIGIT - DIGIT; shift >= 0; shift -= DIGIT) {
        for (int i = threadIdx.x; i < DIGITS; i += BLOCK) amounts[i] = 0;
        __syncthreads();
        for (int id = threadIdx.x; id < n; id += BLOCK) {
            Weight key = keyOf(id);
            if (key >> (shift + DIGIT) == prefix) atomicAdd(&amounts[key >> shift & (DIGITS - 1)], amountOf(id));
        }
        __syncthreads();
        if (threadIdx.x == 0) {
            int digit = DIGITS - 1;
            while (amounts[digit] < target) target -= amounts[digit--];
            found[0] = prefix << DIGIT | digit;
            found[1] = target;
        }
        __syncthreads();
        prefix = found[0];
        target = found[1];
        __syncthreads();
    }
    left = target;
    return prefix;
}

/** The id of the count-th token, by id, that matches. */
template <class Match> __device__ int idOf(int n, Weight count, Match match) {
    __shared__ int counts[WARPS], result;
    int perWarp = (n + WARPS - 1) / WARPS, warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    int begin = warp * perWarp, end = min(n, begin + perWarp), mine = 0;
    for (int id = begin + lane; id < end; id += 32) mine += match(id) ? 1 : 0;
    mine = warpSum(mine);
    if (lane == 0) counts[warp] = mine;
    __syncthreads();
    if (threadIdx.x == 0) {
        int w = 0;
        Weight left = count;
        while (w < WARPS - 1 && Weight(counts[w]) < left) left -= counts[w++];
        result = -1;
        for (int id = w * perWarp; id < n; id++) {
            if (match(id) && --left == 0) {
                result = id;
                break;
            }
        }
    }
    __syncthreads();
    int id = result;
    __syncthreads();
    return id;
}

__device__ inline void keepTopK(Filter& f, int k, Weight* amounts) {
    Weight ties;
    Weight key = cut(f.n, 32, Weight(k), amounts, [&](int id) { return Weight(ordered(f.row[id])); }, [](int) { return Weight(1); }, ties);
    f.leastKey = unsigned(key);
    f.lastKeyId = idOf(f.n, ties, [&](int id) { return ordered(f.row[id]) == unsigned(key); });
}

__device__ inline Weight total(const Filter& f, Weight* scratch) {
    Weight mine = 0;
    for (int id = threadIdx.x; id < f.n; id += BLOCK) mine += f.kept(id);
    return blockSum(mine, scratch);
}

__device__ inline void keepTopP(Filter& f, float p, Weight* amounts, Weight* scratch) {
    Weight target = shareOf(p, total(f, scratch)), left;
    auto weight = [&](int id) { return f.kept(id); };
    Weight key = cut(f.n, 41, target, amounts, weight, weight, left);
    int last = idOf(f.n, (left + key - 1) / key, [&](int id) { return f.kept(id) == key; });
    f.leastWeight = key;
    f.lastWeightId = last;
}

/** The first token, by id, at which the running sum exceeds `left`. */
__device__ inline int pick(const Filter& f, Weight left) {
    __shared__ Weight sums[WARPS];
    __shared__ int result;
    int perWarp = (f.n + WARPS - 1) / WARPS, warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    int begin = warp * perWarp, end = min(f.n, begin + perWarp);
    Weight mine = 0;
    for (int id = begin + lane; id < end; id += 32) mine += f.kept(id);
    mine = warpSum(mine);
    if (lane == 0) sums[warp] = mine;
    __syncthreads();
    int w = 0;
    while (w < WARPS - 1 && left >= sums[w]) left -= sums[w++];
    if (warp == w) {  // the whole warp, so its lanes may meet
        for (int base = begin; base < end; base += 32) {
            Weight running = base + lane < end ? f.kept(base + lane) : 0;
            for (int by = 1; by < 32; by *= 2) {
                Weight before = __shfl_up_sync(ALL_LANES, running, by);
                if (lane >= by) running += before;
            }
            unsigned beyond = __ballot_sync(ALL_LANES, running > left);
            if (beyond != 0) {
                if (lane == 0) result = base + __ffs(beyond) - 1;
                break;
            }
            left -= __shfl_sync(ALL_LANES, running, 31);
        }
    }
    __syncthreads();
    return result;
}

__device__ inline int draw(const SlotState& s, const float* row, int n, int position) {
    __shared__ Weight amounts[DIGITS], scratch[WARPS];
    float most;
    int best = argmax(row, n, most);
    if (best < 0 || s.temperature == 0) return best;
    Filter f = {row, n, double(most), 1.0 / double(s.temperature), 0, n, 0, n, 1};
    if (s.topK > 0 && s.topK < n) keepTopK(f, s.topK, amounts);
    if (s.topP < 1) keepTopP(f, s.topP, amounts, scratch);
    if (s.minP > 0) f.least = max(shareOf(s.minP, ONE), Weight(1));
    Weight sum = total(f, scratch);
    return pick(f, __umul64hi(philox(s, position), sum));
}

extern "C" __global__ void __launch_bounds__(BLOCK) skald_sample(SampleArgs a) {
    int r = blockIdx.x;
    if (r >= a.step.rows()) return;
    int target = a.step.rowTarget(r);
    if (target >= 0) {
        if (threadIdx.x == 0) a.output.token(r) = target;
        return;
    }
    int slot = a.step.rowSlot(r), n = a.step.vocabulary;
    SlotState& s = a.step.states[slot];
    int token = draw(s, a.logits + size_t(r) * a.stride, n, a.step.position(a.step.rowToken(r)) + 1);
    if (threadIdx.x != 0) return;
    a.output.token(r) = token;
    a.step.lastTokens[slot] = token;
    if (token < 0) return;
    s.recent[s.generated % SlotState::RECENT] = token;
    s.generated++;
    if (s.penalties) a.step.counts[size_t(slot) * n + token]++;
}
SKALD_KERNEL(skald_sample)
