// Runs the threads of a block as fibers: each has a stack, and control passes by hand where a thread waits for others. swapcontext would save the signal mask,
// a system call each time.
#include "device.h"
#include <sys/mman.h>
#include <cstdio>
#include <cstdlib>

using namespace simcuda;

extern "C" {
Thread* simcuda::simcuda_thread;
Launch simcuda::simcuda_launch;
void simcuda_switch(void** save, void* next);
}

// rdi: where to keep the stack pointer of who leaves; rsi: the one of who comes. A jump, since the processor would foresee another place for a return.
asm(R"(
.text
.globl simcuda_switch
.hidden simcuda_switch
.type simcuda_switch, @function
simcuda_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    popq %rcx
    jmp *%rcx
.size simcuda_switch, .-simcuda_switch
)");

namespace {

constexpr size_t STACK = 64 * 1024;
constexpr unsigned MAX_THREADS = 1024;
/** Stacks begin at different cache lines; at the same ones they would push each other out of the cache. */
constexpr size_t SKEW = 7 * 64, SKEWS = 36;

enum class State : unsigned char { READY, AT_BARRIER, IN_WARP, DONE };

struct Fiber {
    Thread thread;
    State state;
    void* stackPointer;
    /** Which of the warp's two exchange areas it used last: one may still be read while the next is filled. */
    unsigned turn;
};

struct Warp {
    alignas(64) unsigned char places[2][32 * LANE_BYTES];
    unsigned arrived;
    unsigned exchanges;
};

Fiber fibers[MAX_THREADS];
Warp warps[MAX_THREADS / 32];
unsigned char* stacks;
void* launcher;
void (*entry)(void**);
void** entryParameters;
unsigned threads, live, waiting, barriers;
const void* barrierPlace;
bool inKernel;

Fiber& self() { return fibers[simcuda_thread->linear]; }

/** To the next thread that can go on, in order; to the launcher if there is none. */
void yield() {
    Fiber& fiber = self();
    unsigned own = fiber.thread.linear;
    for (unsigned i = own + 1; i < threads; i++) {
        if (fibers[i].state != State::READY) continue;
        simcuda_thread = &fibers[i].thread;
        return simcuda_switch(&fiber.stackPointer, fibers[i].stackPointer);
    }
    for (unsigned i = 0; i < own; i++) {
        if (fibers[i].state != State::READY) continue;
        simcuda_thread = &fibers[i].thread;
        return simcuda_switch(&fiber.stackPointer, fibers[i].stackPointer);
    }
    simcuda_switch(&fiber.stackPointer, launcher);
}

void finished() {
    Fiber& fiber = self();
    fiber.state = State::DONE;
    live--;
    if (waiting == live && live > 0) {  // the others need not wait for who has gone
        for (unsigned i = 0; i < threads; i++) if (fibers[i].state == State::AT_BARRIER) fibers[i].state = State::READY;
        waiting = 0;
    }
    yield();
    std::abort();
}

void begin() {
    entry(entryParameters);
    finished();
}

void prepare(unsigned i) {
    Fiber& fiber = fibers[i];
    fiber.state = State::READY;
    fiber.turn = 0;
    void** top = reinterpret_cast<void**>(stacks + (i + 1) * STACK - i % SKEWS * SKEW) - 2;
    *top = reinterpret_cast<void*>(&begin);  // where the first switch returns to; the stack is then aligned as after a call
    for (int r = 1; r <= 6; r++) top[-r] = nullptr;
    fiber.stackPointer = top - 6;
}

/** @return false if threads wait for each other for ever */
bool runBlock() {
    for (unsigned i = 0; i < threads; i++) prepare(i);
    for (unsigned w = 0; w * 32 < threads; w++) warps[w].arrived = 0;
    barriers = 0;
    for (unsigned w = 0; w * 32 < threads; w++) warps[w].exchanges = 0;
    live = threads;
    waiting = 0;
    // A thread that waits or ends passes control on to another; it comes back here when none can go on.
    simcuda_thread = &fibers[0].thread;
    simcuda_switch(&launcher, fibers[0].stackPointer);
    return live == 0;
}

}  // namespace

Clock simcuda::clockNow() {
    const dim3& grid = simcuda_launch.grid;
    const uint3& at = simcuda_launch.blockIndex;
    unsigned thread = simcuda_thread->linear;
    return {(at.z * grid.y + at.y) * grid.x + at.x, thread, barriers, warps[thread / 32].exchanges};
}

bool simcuda::running() { return inKernel; }

bool simcuda::isStack(const void* at) { return at >= stacks && at < stacks + MAX_THREADS * STACK; }

void simcuda::endThread() { finished(); }

extern "C" void simcuda::simcuda_barrier() {
    if (checking) {
        const void* here = __builtin_return_address(0);
        if (waiting == 0) barrierPlace = here;
        checkBarrier(barrierPlace, here);
    }
    if (++waiting == live) {
        waiting = 0;
        barriers++;
        for (unsigned i = 0; i < threads; i++) if (fibers[i].state == State::AT_BARRIER) fibers[i].state = State::READY;
        return;
    }
    self().state = State::AT_BARRIER;
    yield();
}

extern "C" const unsigned char* simcuda::simcuda_exchange(unsigned mask, const void* value, size_t bytes) {
    return simcuda_exchange_then(mask, value, bytes, nullptr);
}

extern "C" const unsigned char* simcuda::simcuda_exchange_then(unsigned mask, const void* value, size_t bytes, void (*then)(unsigned char*)) {
    Fiber& fiber = self();
    Warp& warp = warps[fiber.thread.linear / 32];
    unsigned char* places = warp.places[fiber.turn & 1];
    fiber.turn++;
    unsigned lane = fiber.thread.linear & 31;
    unsigned char* place = places + lane * LANE_BYTES;
    switch (bytes) {  // by instructions, not by a call, where that is possible
        case 0: break;
        case 4: std::memcpy(place, value, 4); break;
        case 8: std::memcpy(place, value, 8); break;
        default: std::memcpy(place, value, bytes);
    }
    warp.arrived |= 1u << lane;
    if ((warp.arrived & mask) == mask) {
        warp.arrived &= ~mask;
        warp.exchanges++;
        if (then != nullptr) then(places);
        unsigned first = fiber.thread.linear & ~31u;
        for (unsigned i = 0; i < 32; i++) {
            if ((mask >> i & 1) && fibers[first + i].state == State::IN_WARP) fibers[first + i].state = State::READY;
        }
        return places;
    }
    fiber.state = State::IN_WARP;
    yield();
    return places;
}

bool simcuda::runGrid(void (*kernel)(void**), void** parameters, dim3 grid, dim3 block, void* dynamicShared) {
    if (stacks == nullptr) {
        void* memory = mmap(nullptr, MAX_THREADS * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) return false;
        stacks = static_cast<unsigned char*>(memory);
    }
    entry = kernel;
    entryParameters = parameters;
    threads = block.x * block.y * block.z;
    for (unsigned i = 0; i < threads; i++) {
        fibers[i].thread = {{i % block.x, i / block.x % block.y, i / block.x / block.y}, i};
    }
    simcuda_launch = {grid, block, {0, 0, 0}, dynamicShared};
    for (unsigned z = 0; z < grid.z; z++) {
        for (unsigned y = 0; y < grid.y; y++) {
            for (unsigned x = 0; x < grid.x; x++) {
                simcuda_launch.blockIndex = {x, y, z};
                inKernel = true;
                bool ended = runBlock();
                inKernel = false;
                if (!ended) {
                    std::fprintf(stderr, "simcuda: threads of block (%u, %u, %u) wait for each other for ever\n", x, y, z);
                    return false;
                }
            }
        }
    }
    return true;
}
