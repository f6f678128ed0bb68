// A libcublas.so.12 for machines that only have CUDA 13's: every function that JCublas asks for jumps to the one of the same name in libcublas.so.13, whose
// functions that Skald calls take the same arguments. names.h, made by build.sh, lists them: FORWARD(index, name).
#include <dlfcn.h>
#include <stddef.h>

#define FORWARD(index, name) #name,
static const char *const names[] = {
#include "names.h"
};
#undef FORWARD

enum { COUNT = sizeof names / sizeof *names, NOT_INITIALIZED = 1, NOT_SUPPORTED = 15 };

__attribute__((visibility("hidden"))) void *skald_cublas_targets[COUNT];

#define FORWARD(index, name)                                                                                                   \
    __asm__(".text\n.globl " #name "\n.type " #name ",@function\n" #name ":\n jmp *skald_cublas_targets+8*" #index "(%rip)\n" \
            ".size " #name ",.-" #name "\n");
#include "names.h"

static int noLibrary(void) { return NOT_INITIALIZED; }
static int noFunction(void) { return NOT_SUPPORTED; }

__attribute__((constructor)) static void find(void) {
    void *library = dlopen("libcublas.so.13", RTLD_NOW | RTLD_LOCAL);
    for (size_t i = 0; i < COUNT; i++) {
        void *target = library == NULL ? (void *)noLibrary : dlsym(library, names[i]);
        skald_cublas_targets[i] = target == NULL ? (void *)noFunction : target;
    }
}
