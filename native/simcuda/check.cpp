// simcuda-check: finds what a kernel does wrong. Its kernels are compiled with -fsanitize=thread and linked with the functions below instead of the compiler's
// library, so that every access arrives here with its address and place, before it happens. Shadow memory, one cell for two bytes, then knows who wrote
// and who read last, and whether it was ordered before: by a barrier of the block, or by an exchange of the warp.
//
// Found: races within a block and between blocks, accesses outside allocations, reads of bytes never written, misaligned vectors, barriers at
// different places. Not seen: copies of constant size by memcpy, which the compiler does not instrument.
#include "device.h"
#include <dlfcn.h>
#include <sys/mman.h>
#include <cstdio>
#include <map>
#include <set>
#include <string>

using namespace simcuda;

namespace {

constexpr size_t GRANULE = 2;

struct Access {
    uint64_t launch;
    unsigned block, thread, epoch, warpEpoch;
    bool atomic;
};

struct Cell {
    Access write, read;
    bool written;
};

/** Cells of an allocation, or of what a block shares. Untouched cells cost nothing. */
struct Shadow {
    uintptr_t begin;
    size_t bytes;
    Cell* cells;
    size_t mapped;

    Shadow(uintptr_t at, size_t size) : begin(at), bytes(size), mapped((size / GRANULE + 2) * sizeof(Cell)) {
        cells = static_cast<Cell*>(mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    }
};

std::map<uintptr_t, Shadow> device;
std::map<uintptr_t, Shadow> shared;
std::string reports;
std::set<std::string> kinds;  // one report for a kind, kernel and place
int count;
uint64_t launch;

std::string place(const void* at) {
    Dl_info info;
    if (dladdr(at, &info) == 0) return "?";
    char text[200];
    std::snprintf(text, sizeof text, "%s+0x%zx", info.dli_sname ? info.dli_sname : "image", size_t(static_cast<const char*>(at) - static_cast<const char*>(info.dli_saddr ? info.dli_saddr : info.dli_fbase)));
    return text;
}

void report(const char* kind, const void* address, const void* from, const Access* other) {
    count++;
    std::string where = place(from);
    if (!kinds.insert(kind + where).second) return;
    Clock now = clockNow();
    char text[500];
    int n = std::snprintf(text, sizeof text, "%s at %p in %s, block %u thread %u", kind, address, where.c_str(), now.block, now.thread);
    if (other != nullptr) std::snprintf(text + n, sizeof text - n, ", with block %u thread %u", other->block, other->thread);
    reports += text;
    reports += '\n';
}

/** Whether `before` happened before what the present thread does now. */
bool ordered(const Access& before, const Clock& now) {
    if (before.launch != launch) return true;
    if (before.block != now.block) return false;
    if (before.thread == now.thread || before.epoch != now.epoch) return true;
    return before.thread / 32 == now.thread / 32 && before.warpEpoch != now.warpEpoch;
}

Shadow* find(std::map<uintptr_t, Shadow>& shadows, uintptr_t address) {
    auto next = shadows.upper_bound(address);
    if (next == shadows.begin()) return nullptr;
    Shadow& shadow = std::prev(next)->second;
    return address < shadow.begin + shadow.bytes ? &shadow : nullptr;
}

void touch(Cell& cell, const void* address, const void* from, bool isWrite, bool isAtomic, bool isShared) {
    Clock now = clockNow();
    // What another block left in shared memory is not there for this one.
    bool stale = isShared && (cell.write.launch != launch || cell.write.block != now.block);
    bool written = cell.written && !stale;
    if (!written && !isWrite) report("read of memory that nobody wrote", address, from, nullptr);
    bool bothAtomic = isAtomic && cell.write.atomic;
    if (written && !bothAtomic && !ordered(cell.write, now)) report(isWrite ? "race of two writes" : "race of a read with a write", address, from, &cell.write);
    bool staleRead = isShared && (cell.read.launch != launch || cell.read.block != now.block);
    if (isWrite && !staleRead && !(isAtomic && cell.read.atomic) && !ordered(cell.read, now)) report("race of a write with a read", address, from, &cell.read);
    Access access{launch, now.block, now.thread, now.epoch, now.warpEpoch, isAtomic};
    if (isWrite) {
        cell.write = access;
        cell.written = true;
    }
    if (!isWrite || isAtomic) cell.read = access;
}

void access(const void* at, size_t bytes, bool isWrite, bool isAtomic, const void* from) {
    if (!running()) return;
    auto address = reinterpret_cast<uintptr_t>(at);
    if (isStack(at)) return;
    bool isShared = false;
    Shadow* shadow = find(device, address);
    if (shadow == nullptr) {
        shadow = find(shared, address);
        isShared = shadow != nullptr;
    }
    if (shadow == nullptr) {
        if (!isMapping(at)) return;  // the launch's own parameters
        report("access outside any allocation", at, from, nullptr);
        return endThread();
    }
    if (address + bytes > shadow->begin + shadow->bytes) {
        report("access beyond the end of an allocation", at, from, nullptr);
        return endThread();
    }
    for (size_t i = address - shadow->begin; i < address - shadow->begin + bytes; i += GRANULE) {
        touch(shadow->cells[i / GRANULE], at, from, isWrite, isAtomic, isShared);
    }
}

}  // namespace

void simcuda::checkAllocated(void* at, size_t bytes) { device.emplace(reinterpret_cast<uintptr_t>(at), Shadow(reinterpret_cast<uintptr_t>(at), bytes)); }

void simcuda::checkFreed(void* at) {
    auto found = device.find(reinterpret_cast<uintptr_t>(at));
    if (found == device.end()) return;
    munmap(found->second.cells, found->second.mapped);
    device.erase(found);
}

void simcuda::checkWritten(const void* at, size_t bytes) {
    auto address = reinterpret_cast<uintptr_t>(at);
    Shadow* shadow = find(device, address);
    if (shadow == nullptr) return;
    for (size_t i = address - shadow->begin; i < address - shadow->begin + bytes; i += GRANULE) {
        shadow->cells[i / GRANULE].written = true;
        shadow->cells[i / GRANULE].write = {};
    }
}

void simcuda::checkShared(void* at, size_t bytes) {
    if (bytes > 0 && find(shared, reinterpret_cast<uintptr_t>(at)) == nullptr) shared.emplace(reinterpret_cast<uintptr_t>(at), Shadow(reinterpret_cast<uintptr_t>(at), bytes));
}

void simcuda::checkForget() {
    for (auto* all : {&shared, &device}) {
        for (auto& [begin, shadow] : *all) munmap(shadow.cells, shadow.mapped);
        all->clear();
    }
}

void simcuda::checkLaunch() { launch++; }

void simcuda::checkBarrier(const void* first, const void* here) {
    if (first != here) report("barriers at different places", here, first, nullptr);
}

extern "C" {

/** Number of findings since the last call; their descriptions, one for each kind and place, into `text`. */
int simcuda_findings(char* text, size_t bytes) {
    std::snprintf(text, bytes, "%s", reports.c_str());
    int found = count;
    reports.clear();
    kinds.clear();
    count = 0;
    return found;
}

void simcuda_atomic(void* at, size_t bytes) { access(at, bytes, true, true, __builtin_return_address(0)); }

#define ACCESS(N)                                                                                             \
    void __tsan_read##N(void* at) { access(at, N, false, false, __builtin_return_address(0)); }               \
    void __tsan_write##N(void* at) { access(at, N, true, false, __builtin_return_address(0)); }               \
    void __tsan_unaligned_read##N(void* at) { access(at, N, false, false, __builtin_return_address(0)); }     \
    void __tsan_unaligned_write##N(void* at) { access(at, N, true, false, __builtin_return_address(0)); }
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)
void __tsan_read_range(void* at, size_t bytes) { for (size_t i = 0; i < bytes; i += 2) access(static_cast<char*>(at) + i, 2, false, false, __builtin_return_address(0)); }
void __tsan_write_range(void* at, size_t bytes) { for (size_t i = 0; i < bytes; i += 2) access(static_cast<char*>(at) + i, 2, true, false, __builtin_return_address(0)); }
/** The compiler's own check of alignments calls this where one is wrong: accesses to structures come here in parts, which hide it. */
void __ubsan_handle_type_mismatch_v1(void*, void* at) {
    if (running()) report("misaligned access", at, __builtin_return_address(0), nullptr);
}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_init() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
/** Guards of static variables: kernels have none that need them. */
int __tsan_atomic8_load(const volatile char* at, int) { return *at; }

}
