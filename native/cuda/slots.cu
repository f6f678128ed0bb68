// What the host tells a slot: a new sequence with its sampling parameters, and changes of block tables.
#include "skald.cuh"

static_assert(sizeof(SlotState) == 4 * 10801, "compute/cuda allocates as much for each slot");

/** The start of a record; after it come, one behind the other: end ids, bias ids, biases, lengths of banned sequences, these sequences, words of allowed ids,
    ids of the prompt, ids of the output so far. */
struct SlotRecord {
    unsigned seedLow, seedHigh;
    int choice, minTokens, generated, penalties, allowed;
    float temperature, topP, minP, repetition, presence, frequency;
    int topK, endCount, biasCount, bannedCount, promptCount, generatedCount, recentCount;
};

static_assert(sizeof(SlotRecord) == 4 * 20, "compute/cuda writes as much");

struct SetSlotArgs {
    Step step;
    const int* record;
    int slot, pad;
};

__device__ const int* copyInts(const int* from, int* to, int n) {
    for (int i = threadIdx.x; i < n; i += BLOCK) to[i] = from[i];
    return from + n;
}

extern "C" __global__ void __launch_bounds__(BLOCK, 2) skald_set_slot(SetSlotArgs a) {
    SlotRecord h = *reinterpret_cast<const SlotRecord*>(a.record);
    SlotState& s = a.step.states[a.slot];
    const int* at = a.record + sizeof(SlotRecord) / 4;
    at = copyInts(at, s.endIds, h.endCount);
    at = copyInts(at, s.biasIds, h.biasCount);
    at = copyInts(at, reinterpret_cast<int*>(s.biases), h.biasCount);
    at = copyInts(at, s.bannedLengths, h.bannedCount);
    const int* lengths = at - h.bannedCount;
    for (int b = 0; b < h.bannedCount; b++) at = copyInts(at, s.banned[b], lengths[b]);
    if (h.allowed) at = copyInts(at, reinterpret_cast<int*>(a.step.allowed + size_t(a.slot) * a.step.allowedWords), a.step.allowedWords);
    const int* prompt = at;
    const int* generated = prompt + h.promptCount;
    const int* recent = generated + h.generatedCount;
    copyInts(recent, s.recent, h.recentCount);
    if (threadIdx.x == 0) {
        s.seedLow = h.seedLow;
        s.seedHigh = h.seedHigh;
        s.choice = h.choice;
        s.minTokens = h.minTokens;
        s.generated = h.generated;
        s.penalties = h.penalties;
        s.allowed = h.allowed;
        s.temperature = h.temperature;
        s.topP = h.topP;
        s.minP = h.minP;
        s.repetition = h.repetition;
        s.presence = h.presence;
        s.frequency = h.frequency;
        s.topK = h.topK;
        s.endCount = h.endCount;
        s.biasCount = h.biasCount;
        s.bannedCount = h.bannedCount;
        a.step.lastTokens[a.slot] = -1;
    }
    if (!h.penalties) return;
    int* counts = a.step.counts + size_t(a.slot) * a.step.vocabulary;
    for (int i = threadIdx.x; i < a.step.vocabulary; i += BLOCK) counts[i] = 0;
    __syncthreads();
    for (int i = threadIdx.x; i < h.promptCount; i += BLOCK) atomicOr(&counts[prompt[i]], int(0x80000000u));
    __syncthreads();
    for (int i = threadIdx.x; i < h.generatedCount; i += BLOCK) atomicAdd(&counts[generated[i]], 1);
}
SKALD_KERNEL(skald_set_slot)

struct TableArgs {
    Step step;
};

/** A step changes no entry twice. */
extern "C" __global__ void __launch_bounds__(BLOCK) skald_apply_changes(TableArgs a) {
    int c = blockIdx.x * BLOCK + threadIdx.x;
    if (c >= a.step.changes()) return;
    const int* change = a.step.change(c);
    a.step.blockTables[size_t(change[0]) * a.step.maxBlocks + change[1]] = change[2];
}
SKALD_KERNEL(skald_apply_changes)
