// Mistakes, one for each thing that simcuda-check finds; loaded by its own test only.
#include "skald.cuh"

struct PlantedArgs {
    float* memory;  // [256]
    long long pad;
};

/** Neighbours write the same element. */
extern "C" __global__ void planted_write_race(PlantedArgs a) { a.memory[threadIdx.x / 2] = float(threadIdx.x); }
SKALD_KERNEL(planted_write_race)

/** No barrier between writing and reading what another warp wrote. */
extern "C" __global__ void planted_missing_barrier(PlantedArgs a) {
    __shared__ float values[BLOCK];
    values[threadIdx.x] = 1;
    a.memory[threadIdx.x] = values[(threadIdx.x + 32) % BLOCK];
}
SKALD_KERNEL(planted_missing_barrier)

/** Blocks can't wait for each other. */
extern "C" __global__ void planted_blocks_race(PlantedArgs a) {
    if (threadIdx.x == 0) a.memory[0] = float(blockIdx.x);
}
SKALD_KERNEL(planted_blocks_race)

extern "C" __global__ void planted_out_of_bounds(PlantedArgs a) { a.memory[threadIdx.x + 1] = 0; }
SKALD_KERNEL(planted_out_of_bounds)

extern "C" __global__ void planted_uninitialised(PlantedArgs a) {
    __shared__ float values[BLOCK];
    if (threadIdx.x > 0) values[threadIdx.x] = 1;
    __syncthreads();
    a.memory[threadIdx.x] = values[threadIdx.x];
}
SKALD_KERNEL(planted_uninitialised)

extern "C" __global__ void planted_divergent_barrier(PlantedArgs a) {
    if (threadIdx.x < 128) {
        a.memory[threadIdx.x] = 1;
        __syncthreads();
    } else {
        a.memory[threadIdx.x] = 2;
        __syncthreads();
        a.memory[threadIdx.x] = 3;
    }
}
SKALD_KERNEL(planted_divergent_barrier)

extern "C" __global__ void planted_misaligned(PlantedArgs a) {
    if (threadIdx.x == 0) *reinterpret_cast<float2*>(a.memory + 1) = make_float2(1, 2);
}
SKALD_KERNEL(planted_misaligned)

/** Nothing is wrong here: barriers, exchanges and atomic additions put everything in order. */
extern "C" __global__ void planted_nothing(PlantedArgs a) {
    __shared__ float values[BLOCK];
    __shared__ int hits;
    if (threadIdx.x == 0) hits = 0;
    values[threadIdx.x] = float(threadIdx.x);
    __syncthreads();
    atomicAdd(&hits, 1);
    float sum = warpSum(values[(threadIdx.x + 32) % BLOCK]);
    __syncthreads();
    a.memory[threadIdx.x] = sum + float(hits);
}
SKALD_KERNEL(planted_nothing)
