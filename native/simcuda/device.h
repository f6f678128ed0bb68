// Between the parts of the software device.
#pragma once
#include "simcuda.h"
#include <functional>
#include <vector>

namespace simcuda {

using Status = int;
constexpr Status OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, INVALID_DEVICE = 101, INVALID_IMAGE = 200, INVALID_CONTEXT = 201,
                 INVALID_HANDLE = 400, NOT_FOUND = 500, NOT_READY = 600, ILLEGAL_ADDRESS = 700, LAUNCH_FAILED = 719, NOT_SUPPORTED = 801,
                 CAPTURE_UNSUPPORTED = 900;

/** What tests may count: kernels that ran; what the host called for one by one, outside graphs, stands last. Bytes of copies between host and device, allocations of device and pinned memory, all since the library was loaded. */
struct Counters {
    int64_t launches, bytesUp, bytesDown, copiesUp, copiesDown, allocations, graphLaunches, liveBytes, launchCalls;
};
extern "C" Counters simcuda_counters;

/** Runs all blocks of a grid. @return false if threads wait for each other for ever */
bool runGrid(void (*kernel)(void**), void** parameters, dim3 grid, dim3 block, void* dynamicShared);

/** Where the running thread stands: what a barrier of its block, or an exchange of its warp, has put behind it. */
struct Clock {
    unsigned block, thread, epoch, warpEpoch;
};
Clock clockNow();
bool running();
bool isStack(const void* at);
/** Ends the running thread, as if it had returned. */
void endThread();

// simcuda-check: see check.cpp. Where no module with instrumented kernels is loaded, none of it is called.
extern bool checking;
void checkAllocated(void* at, size_t bytes);
void checkFreed(void* at);
void checkWritten(const void* at, size_t bytes);
/** Memory that each block has anew. */
void checkShared(void* at, size_t bytes);
void checkForget();
void checkLaunch();
/** @param first where the first thread waits @param here where this one does */
void checkBarrier(const void* first, const void* here);

/** Whether an address lies in an allocation of device memory or the pages around one. */
bool isMapping(const void* at);
/** Whether all bytes lie in one allocation of device memory. */
bool isDevice(const void* at, size_t bytes);
bool isPinned(const void* at, size_t bytes);

/** Work of a stream; returns what went wrong. It runs when somebody waits for it, no sooner: as late as a device may. */
using Work = std::function<Status()>;

struct Event {
    uint64_t recorded = 0, reached = 0;
    struct Stream* stream = nullptr;
};

struct Graph {
    std::vector<Work> work;
};

struct Stream {
    std::vector<Work> queue;
    size_t next = 0;
    Graph* capture = nullptr;
};

/** Appends to the stream, or to the graph that it captures. */
void enqueue(Stream* stream, Work work);
/** Runs what the stream holds. @return the first error, which stays the device's for ever as it would a real one */
Status drain(Stream* stream);
Status drainAll();
/** A null handle is the default stream, which here is one like others: Skald never uses it together with another. */
Stream* streamOf(void* handle);
Status sticky();

}  // namespace simcuda
