// Device, context, modules and launches. An image is an ELF library made of the kernels by build.sh; it is loaded from the bytes that the driver gets, so the
// caller need not know where it lies.
#include "device.h"
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cstdio>
#include <memory>
#include <string>

using namespace simcuda;

bool simcuda::checking;

namespace {

constexpr int DRIVER_VERSION = 12060;
constexpr int MAX_SHARED = 227 * 1024, SHARED_WITHOUT_ASKING = 48 * 1024;
const char* const NAME = "Skald's software CUDA device";

struct Function {
    void (*call)(void**);
    const size_t* parameterBytes;
    int maxDynamicShared = SHARED_WITHOUT_ASKING;
};

struct Module {
    void* library;
    int file;
    bool checked;
    std::vector<std::unique_ptr<Function>> functions;
};

int checkedModules;

/** What the threads of a block share is static in the image: its writable part. */
void shareStatics(void* library) {
    link_map* map;
    if (dlinfo(library, RTLD_DI_LINKMAP, &map) != 0) return;
    dl_iterate_phdr(
        [](dl_phdr_info* info, size_t, void* wanted) {
            if (info->dlpi_addr != static_cast<link_map*>(wanted)->l_addr) return 0;
            for (int i = 0; i < info->dlpi_phnum; i++) {
                const auto& segment = info->dlpi_phdr[i];
                if (segment.p_type == PT_LOAD && (segment.p_flags & PF_W)) checkShared(reinterpret_cast<void*>(info->dlpi_addr + segment.p_vaddr), segment.p_memsz);
            }
            return 1;
        },
        map);
}

int context;  // its address is the one context
thread_local void* current;
alignas(256) unsigned char dynamicShared[MAX_SHARED];

/** A launch's parameters, copied when it is enqueued. */
struct Arguments {
    static constexpr size_t MAX_BYTES = 4096;
    alignas(16) unsigned char bytes[MAX_BYTES];
    size_t offsets[32];
    size_t count = 0;

    bool copy(const size_t* sizes, void** parameters) {
        size_t at = 0;
        for (; sizes[count] != 0; count++) {
            if (count == 32 || at + sizes[count] > MAX_BYTES) return false;
            std::memcpy(bytes + at, parameters[count], sizes[count]);
            offsets[count] = at;
            at += (sizes[count] + 15) / 16 * 16;
        }
        return true;
    }
};

}  // namespace

extern "C" {

Status cuInit(unsigned) { return OK; }
Status cuDriverGetVersion(int* version) {
    *version = DRIVER_VERSION;
    return OK;
}
Status cuDeviceGetCount(int* count) {
    *count = 1;
    return OK;
}
Status cuDeviceGet(int* device, int ordinal) {
    *device = 0;
    return ordinal == 0 ? OK : INVALID_DEVICE;
}
Status cuDeviceGetName(char* name, int length, int) {
    std::snprintf(name, size_t(length), "%s", NAME);
    return OK;
}
Status cuDeviceTotalMem_v2(size_t* bytes, int) {
    size_t free;
    extern Status cuMemGetInfo_v2(size_t*, size_t*);
    return cuMemGetInfo_v2(&free, bytes);
}
Status cuDeviceGetAttribute(int* value, int attribute, int) {
    switch (attribute) {
        case 1: *value = 1024; return OK;                   // threads of a block
        case 8: *value = SHARED_WITHOUT_ASKING; return OK;  // shared memory of a block
        case 16: *value = 2; return OK;                     // multiprocessors
        case 75: *value = 9; return OK;                     // compute capability
        case 76: *value = 0; return OK;
        case 97: *value = MAX_SHARED; return OK;            // shared memory of a block that asks for it
        default: *value = 0; return OK;
    }
}
Status cuDevicePrimaryCtxRetain(void** handle, int) {
    *handle = &context;
    return OK;
}
Status cuDevicePrimaryCtxRelease_v2(int) { return drainAll(); }
Status cuCtxSetCurrent(void* handle) {
    current = handle;
    return OK;
}
Status cuCtxGetCurrent(void** handle) {
    *handle = current;
    return OK;
}

Status cuGetErrorName(Status status, const char** name) {
    switch (status) {
        case OK: *name = "CUDA_SUCCESS"; return OK;
        case INVALID_VALUE: *name = "CUDA_ERROR_INVALID_VALUE"; return OK;
        case OUT_OF_MEMORY: *name = "CUDA_ERROR_OUT_OF_MEMORY"; return OK;
        case LAUNCH_FAILED: *name = "CUDA_ERROR_LAUNCH_FAILED"; return OK;
        case ILLEGAL_ADDRESS: *name = "CUDA_ERROR_ILLEGAL_ADDRESS"; return OK;
        case NOT_SUPPORTED: *name = "CUDA_ERROR_NOT_SUPPORTED"; return OK;
        default: *name = "CUDA_ERROR_UNKNOWN"; return OK;
    }
}
Status cuGetErrorString(Status, const char** text) {
    *text = "an error of the software CUDA device";
    return OK;
}

Status cuModuleLoadData(Module** module, const void* image) {
    if (std::memcmp(image, ELFMAG, SELFMAG) != 0) return INVALID_IMAGE;
    auto* header = static_cast<const Elf64_Ehdr*>(image);
    size_t bytes = header->e_shoff + size_t(header->e_shnum) * header->e_shentsize;  // the table of sections stands last
    int file = memfd_create("simcuda-module", MFD_CLOEXEC);
    if (file < 0 || write(file, image, bytes) != ssize_t(bytes)) return OUT_OF_MEMORY;
    std::string path = "/proc/self/fd/" + std::to_string(file);
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        std::fprintf(stderr, "simcuda: %s\n", dlerror());
        close(file);
        return INVALID_IMAGE;
    }
    bool checked = dlsym(library, "simcuda_checked") != nullptr;
    if (checked) {
        checkedModules++;
        checking = true;
        shareStatics(library);
        checkShared(dynamicShared, MAX_SHARED);
    }
    *module = new Module{library, file, checked, {}};
    return OK;
}
Status cuModuleUnload(Module* module) {
    drainAll();
    if (module->checked && --checkedModules == 0) {
        checking = false;
        checkForget();
    }
    dlclose(module->library);
    // A library that stays would be taken for the next one whose file gets the same number.
    std::string path = "/proc/self/fd/" + std::to_string(module->file);
    if (dlopen(path.c_str(), RTLD_NOW | RTLD_NOLOAD) == nullptr) close(module->file);
    delete module;
    return OK;
}
Status cuModuleGetFunction(Function** function, Module* module, const char* name) {
    void* symbol = dlsym(module->library, (std::string(name) + "_simcuda").c_str());
    void* sizes = dlsym(module->library, (std::string(name) + "_simcuda_sizes").c_str());
    if (symbol == nullptr || sizes == nullptr) return NOT_FOUND;
    module->functions.push_back(std::make_unique<Function>(
        Function{reinterpret_cast<void (*)(void**)>(symbol), reinterpret_cast<const size_t* (*)()>(sizes)()}));
    *function = module->functions.back().get();
    return OK;
}
Status cuFuncSetAttribute(Function* function, int attribute, int value) {
    if (attribute != 8) return NOT_SUPPORTED;  // dynamic shared memory
    if (value > MAX_SHARED) return INVALID_VALUE;
    function->maxDynamicShared = value;
    return OK;
}

Status cuLaunchKernel(Function* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, void* stream,
                      void** parameters, void** extra) {
    if (sticky() != OK) return sticky();
    if (gx == 0 || gy == 0 || gz == 0 || bx * by * bz == 0 || bx * by * bz > 1024 || gy > 65535 || gz > 65535 || extra != nullptr) return INVALID_VALUE;
    if (shared > unsigned(function->maxDynamicShared)) return INVALID_VALUE;
    auto arguments = std::make_shared<Arguments>();
    if (!arguments->copy(function->parameterBytes, parameters)) return INVALID_VALUE;
    if (streamOf(stream)->capture == nullptr) simcuda_counters.launchCalls++;
    enqueue(streamOf(stream), [=] {
        simcuda_counters.launches++;
        std::memset(dynamicShared, 0xff, shared);
        if (checking) checkLaunch();
        void* places[32];
        for (size_t i = 0; i < arguments->count; i++) places[i] = arguments->bytes + arguments->offsets[i];
        return runGrid(function->call, places, {gx, gy, gz}, {bx, by, bz}, dynamicShared) ? OK : LAUNCH_FAILED;
    });
    return OK;
}

}
