// Device memory lies in host memory, between pages that can't be touched, and begins as NaN: an f32, f16 and bf16 of all ones.
#include "device.h"
#include <sys/mman.h>
#include <cstdlib>
#include <map>
#include <unistd.h>

using namespace simcuda;

Counters simcuda::simcuda_counters;

namespace {

struct Allocation {
    size_t bytes;
    void* mapping;
    size_t mapped;
};

std::map<uintptr_t, Allocation> deviceMemory, pinnedMemory;

size_t totalBytes() {
    const char* mebi = std::getenv("SIMCUDA_MEMORY_MIB");
    return (mebi ? std::strtoull(mebi, nullptr, 10) : 2048) << 20;
}

bool inside(const std::map<uintptr_t, Allocation>& memory, const void* at, size_t bytes) {
    uintptr_t address = reinterpret_cast<uintptr_t>(at);
    auto next = memory.upper_bound(address);
    if (next == memory.begin()) return false;
    auto& [begin, allocation] = *--next;
    return address + bytes <= begin + allocation.bytes;
}

/** The end touches the page that can't be touched, as nearly as 256-byte alignment allows. */
void* guarded(size_t bytes, std::map<uintptr_t, Allocation>& memory) {
    size_t page = size_t(sysconf(_SC_PAGESIZE)), room = (bytes + 255) / 256 * 256, pages = (room + page - 1) / page * page;
    auto* mapping = static_cast<unsigned char*>(mmap(nullptr, pages + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (mapping == MAP_FAILED) return nullptr;
    mprotect(mapping + page, pages, PROT_READ | PROT_WRITE);
    unsigned char* at = mapping + page + pages - room;
    memory[reinterpret_cast<uintptr_t>(at)] = {bytes, mapping, pages + 2 * page};
    simcuda_counters.allocations++;
    return at;
}

Status release(void* at, std::map<uintptr_t, Allocation>& memory) {
    if (checking) checkFreed(at);
    auto found = memory.find(reinterpret_cast<uintptr_t>(at));
    if (found == memory.end()) return INVALID_VALUE;
    munmap(found->second.mapping, found->second.mapped);
    memory.erase(found);
    return OK;
}

Status up(void* to, const void* from, size_t bytes) {
    if (!isDevice(to, bytes)) return INVALID_VALUE;
    std::memcpy(to, from, bytes);
    if (checking) checkWritten(to, bytes);
    simcuda_counters.bytesUp += bytes;
    simcuda_counters.copiesUp++;
    return OK;
}

Status down(void* to, const void* from, size_t bytes) {
    if (!isDevice(from, bytes)) return INVALID_VALUE;
    std::memcpy(to, from, bytes);
    simcuda_counters.bytesDown += bytes;
    simcuda_counters.copiesDown++;
    return OK;
}

Status across(void* to, const void* from, size_t bytes) {
    if (!isDevice(to, bytes) || !isDevice(from, bytes)) return INVALID_VALUE;
    std::memmove(to, from, bytes);
    if (checking) checkWritten(to, bytes);
    return OK;
}

template <class T> Status fill(T* to, T value, size_t count) {
    if (!isDevice(to, count * sizeof(T))) return INVALID_VALUE;
    for (size_t i = 0; i < count; i++) to[i] = value;
    if (checking) checkWritten(to, count * sizeof(T));
    return OK;
}

}  // namespace

bool simcuda::isDevice(const void* at, size_t bytes) { return inside(deviceMemory, at, bytes); }
bool simcuda::isMapping(const void* at) {
    for (auto& [begin, allocation] : deviceMemory) {
        auto* mapping = static_cast<const unsigned char*>(allocation.mapping);
        if (at >= mapping && at < mapping + allocation.mapped) return true;
    }
    return false;
}
bool simcuda::isPinned(const void* at, size_t bytes) { return inside(pinnedMemory, at, bytes); }

extern "C" {

Status cuMemGetInfo_v2(size_t* free, size_t* total) {
    *total = totalBytes();
    *free = *total - size_t(simcuda_counters.liveBytes);
    return OK;
}

Status cuMemAlloc_v2(void** at, size_t bytes) {
    if (bytes == 0) return INVALID_VALUE;
    if (size_t(simcuda_counters.liveBytes) + bytes > totalBytes()) return OUT_OF_MEMORY;
    *at = guarded(bytes, deviceMemory);
    if (*at == nullptr) return OUT_OF_MEMORY;
    std::memset(*at, 0xff, bytes);
    if (checking) checkAllocated(*at, bytes);
    simcuda_counters.liveBytes += int64_t(bytes);
    return OK;
}

Status cuMemFree_v2(void* at) {
    Status status = drainAll();
    auto found = deviceMemory.find(reinterpret_cast<uintptr_t>(at));
    if (found != deviceMemory.end()) simcuda_counters.liveBytes -= int64_t(found->second.bytes);
    Status released = release(at, deviceMemory);
    return status != OK ? status : released;
}

Status cuMemHostAlloc(void** at, size_t bytes, unsigned) {
    *at = guarded(bytes, pinnedMemory);
    return *at == nullptr ? OUT_OF_MEMORY : OK;
}
Status cuMemAllocHost_v2(void** at, size_t bytes) { return cuMemHostAlloc(at, bytes, 0); }
Status cuMemFreeHost(void* at) {
    drainAll();
    return release(at, pinnedMemory);
}
Status cuMemHostGetDevicePointer_v2(void** device, void* host, unsigned) {
    *device = host;
    return isPinned(host, 1) ? OK : INVALID_VALUE;
}
Status cuMemHostRegister_v2(void* at, size_t bytes, unsigned) {
    pinnedMemory[reinterpret_cast<uintptr_t>(at)] = {bytes, nullptr, 0};
    return OK;
}
Status cuMemHostUnregister(void* at) {
    drainAll();
    return pinnedMemory.erase(reinterpret_cast<uintptr_t>(at)) == 1 ? OK : INVALID_VALUE;
}

Status cuMemcpyHtoD_v2(void* to, const void* from, size_t bytes) {
    Status status = drainAll();
    return status != OK ? status : up(to, from, bytes);
}
Status cuMemcpyDtoH_v2(void* to, const void* from, size_t bytes) {
    Status status = drainAll();
    return status != OK ? status : down(to, from, bytes);
}
Status cuMemcpyDtoD_v2(void* to, const void* from, size_t bytes) {
    Status status = drainAll();
    return status != OK ? status : across(to, from, bytes);
}

/** From memory that is not pinned the driver reads at once; from pinned memory whenever the copy's turn comes. */
Status cuMemcpyHtoDAsync_v2(void* to, const void* from, size_t bytes, void* stream) {
    if (!isDevice(to, bytes)) return INVALID_VALUE;
    if (isPinned(from, bytes)) {
        enqueue(streamOf(stream), [=] { return up(to, from, bytes); });
    } else {
        auto* at = static_cast<const unsigned char*>(from);
        std::vector<unsigned char> staged(at, at + bytes);
        enqueue(streamOf(stream), [=] { return up(to, staged.data(), bytes); });
    }
    return OK;
}
/** To memory that is not pinned the driver waits. */
Status cuMemcpyDtoHAsync_v2(void* to, const void* from, size_t bytes, void* stream) {
    if (!isDevice(from, bytes)) return INVALID_VALUE;
    enqueue(streamOf(stream), [=] { return down(to, from, bytes); });
    return isPinned(to, bytes) ? OK : drain(streamOf(stream));
}
Status cuMemcpyDtoDAsync_v2(void* to, const void* from, size_t bytes, void* stream) {
    if (!isDevice(from, bytes) || !isDevice(to, bytes)) return INVALID_VALUE;
    enqueue(streamOf(stream), [=] { return across(to, from, bytes); });
    return OK;
}

Status cuMemsetD8_v2(unsigned char* to, unsigned char value, size_t count) {
    Status status = drainAll();
    return status != OK ? status : fill(to, value, count);
}
Status cuMemsetD32_v2(unsigned* to, unsigned value, size_t count) {
    Status status = drainAll();
    return status != OK ? status : fill(to, value, count);
}
Status cuMemsetD8Async(unsigned char* to, unsigned char value, size_t count, void* stream) {
    enqueue(streamOf(stream), [=] { return fill(to, value, count); });
    return OK;
}
Status cuMemsetD32Async(unsigned* to, unsigned value, size_t count, void* stream) {
    enqueue(streamOf(stream), [=] { return fill(to, value, count); });
    return OK;
}

}
