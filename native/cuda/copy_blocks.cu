// Copies forked blocks, keys and values of all layers. Blocks (copy, layer and part).
#include "skald.cuh"

struct CopyArgs {
    Step step;
    uint4* cache;              // [layers · 2, blocks, blockBytes]
    long long partBytes;       // of a layer's keys, or values
    long long blockBytes;
};

/** No target is a source, and no two targets are the same. */
extern "C" __global__ void __launch_bounds__(BLOCK) skald_copy_blocks(CopyArgs a) {
    if (int(blockIdx.x) >= a.step.copies()) return;
    const int* pair = a.step.copyPair(blockIdx.x);
    unsigned char* part = reinterpret_cast<unsigned char*>(a.cache) + blockIdx.y * a.partBytes;
    const unsigned* from = reinterpret_cast<const unsigned*>(part + pair[0] * a.blockBytes);
    unsigned* to = reinterpret_cast<unsigned*>(part + pair[1] * a.blockBytes);
    for (long long i = threadIdx.x; i < a.blockBytes / 4; i += BLOCK) to[i] = from[i];
}
SKALD_KERNEL(skald_copy_blocks)
