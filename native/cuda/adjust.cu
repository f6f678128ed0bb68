// Bias, allowed, banned, minimum tokens, penalties of a row of logits, as dev.skald.sampling.SlotState defines them: one rounding per operation. One block per row.
#include "skald.cuh"

struct AdjustArgs {
    Step step;
    const float* logits;  // [rows, stride]
    float* adjusted;      // [rows, adjustedStride]
    int stride, adjustedStride;
};

/** −∞, but what shows that a row is broken stays. */
__device__ inline float excluded(float logit) { return logit < INFINITY ? -INFINITY : logit; }

/** Whether the output ends with all of the sequence but its last token. */
__device__ inline bool completes(const SlotState& s, int b) {
    int prefix = s.bannedLengths[b] - 1;
    if (prefix > s.generated) return false;
    for (int i = 0; i < prefix; i++) {
        if (s.recent[(s.generated - prefix + i) % SlotState::RECENT] != s.banned[b][i]) return false;
    }
    return true;
}

__device__ inline float penalised(const SlotState& s, float logit, int count) {
    if (count == 0) return logit;
    if (logit > 0) {
        logit = logit < INFINITY ? fminf(logit / s.repetition, 3.402823466e+38f) : logit;
    } else {
        logit *= s.repetition;
    }
    int inOutput = count & 0x7fffffff;
    if (inOutput > 0) logit = logit - s.frequency * float(inOutput) - s.presence;
    return logit;
}

extern "C" __global__ void __launch_bounds__(BLOCK) skald_adjust_logits(AdjustArgs a) {
    __shared__ int complete[SlotState::MAX_BANNED];
    int r = blockIdx.x, n = a.step.vocabulary;
    if (r >= a.step.rows() || a.step.rowTarget(r) >= 0) return;
    int slot = a.step.rowSlot(r);
    const SlotState& s = a.step.states[slot];
    const float* from = a.logits + size_t(r) * a.stride;
    float* row = a.adjusted + size_t(r) * a.adjustedStride;
    for (int id = threadIdx.x; id < n; id += BLOCK) row[id] = from[id];
    __syncthreads();
    for (int i = threadIdx.x; i < s.biasCount; i += BLOCK) row[s.biasIds[i]] += s.biases[i];
    for (int b = threadIdx.x; b < s.bannedCount; b += BLOCK) complete[b] = completes(s, b);
    __syncthreads();
    if (s.allowed) {
        const unsigned* words = a.step.allowed + size_t(slot) * a.step.allowedWords;
        for (int id = threadIdx.x; id < n; id += BLOCK) {
            if ((words[id / 32] >> (id % 32) & 1) == 0) row[id] = excluded(row[id]);
        }
        __syncthreads();
    }
    if (threadIdx.x == 0) {
        for (int b = 0; b < s.bannedCount; b++) {
            float& last = row[s.banned[b][s.bannedLengths[b] - 1]];
            if (complete[b]) last = excluded(last);
        }
        if (s.generated < s.minTokens) {
            for (int i = 0; i < s.endCount; i++) row[s.endIds[i]] = excluded(row[s.endIds[i]]);
        }
    }
    __syncthreads();
    if (!s.penalties) return;
    const int* counts = a.step.counts + size_t(slot) * n;
    for (int id = threadIdx.x; id < n; id += BLOCK) row[id] = penalised(s, row[id], counts[id]);
}
SKALD_KERNEL(skald_adjust_logits)
