// Log-probability and rank of each row's token under the raw logits, and the most likely tokens, as dev.skald.sampling.Sampler.topLogprobs. One block per row.
#include "weights.cuh"

struct LogprobArgs {
    Step step;
    const float* logits;  // [rows, stride]: raw
    Output output;        // whose tokens stand there already
    int stride, pad;
};

/** The greatest logit after (logit, id) in the order: greater logits first, of equal ones the lowest id. @param id out; n if there is none */
__device__ inline void next(const float* row, int n, bool first, float& logit, int& id) {
    __shared__ float scratch[WARPS];
    __shared__ int firsts[WARPS];
    float most = -INFINITY;
    int any = 0;
    for (int i = threadIdx.x; i < n; i += BLOCK) {
        float v = row[i];
        if (!first && !(v < logit || (v == logit && i > id))) continue;
        any = 1;
        most = v > most ? v : most;
    }
    most = blockMax(most, scratch);
    any = blockMax(any, firsts);
    int lowest = n;
    for (int i = threadIdx.x; any && i < n; i += BLOCK) {
        float v = row[i];
        if (v != most || (!first && !(v < logit || (v == logit && i > id)))) continue;
        lowest = i;
        break;
    }
    id = -blockMax(-lowest, firsts);
    logit = most;
}

extern "C" __global__ void __launch_bounds__(BLOCK) skald_top_logprobs(LogprobArgs a) {
    __shared__ Weight scratch[WARPS];
    __shared__ int ranks[WARPS];
    int r = blockIdx.x;
    if (r >= a.step.rows()) return;
    int top = a.step.rowTop(r), token = a.output.token(r), n = a.step.vocabulary;
    if (top < 0 || token < 0) return;
    const float* row = a.logits + size_t(r) * a.stride;
    float most;
    int best = argmax(row, n, most);
    if (best < 0) {
        if (threadIdx.x == 0) a.output.token(r) = INVALID;
        return;
    }
    float own = row[token];
    Weight mine = 0;
    int before = 0;
    for (int id = threadIdx.x; id < n; id += BLOCK) {
        float logit = row[id];
        mine += weightOf(double(logit) - double(most));
        if (logit > own || (logit == own && id < token)) before++;
    }
    Weight total = blockSum(mine, scratch);
    int rank = blockSum(before, ranks) + 1;
    double logTotal = logOf(double(total)) - logOf(double(ONE));
    if (threadIdx.x == 0) {
        a.output.logprob(r) = float(double(own) - double(most) - logTotal);
        a.output.rank(r) = rank;
    }
    float logit = 0;
    int id = 0;
    for (int k = 0; k < min(top, n); k++) {
        next(row, n, k == 0, logit, id);
        if (threadIdx.x != 0) continue;
        a.output.topToken(r, k) = id;
        a.output.topLogprob(r, k) = float(double(logit) - double(most) - logTotal);
    }
}
SKALD_KERNEL(skald_top_logprobs)
