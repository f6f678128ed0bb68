/* What this library was built for, and which of it this machine can run. */
#include "skald.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>

static uint64_t enabled_state(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static int bit(uint32_t word, int n) { return word >> n & 1; }

static int can_run(const char *isa) {
    uint32_t a, b, c, d, leaf7b, leaf7c, leaf7a1 = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    int fma = bit(c, 12), f16c = bit(c, 29), osxsave = bit(c, 27), avx = bit(c, 28);
    if (!fma || !f16c || !osxsave || !avx || (enabled_state() & 0x6) != 0x6) return 0;
    uint32_t subleaves;
    if (!__get_cpuid_count(7, 0, &subleaves, &leaf7b, &leaf7c, &d) || !bit(leaf7b, 5)) return 0;
    if (subleaves >= 1) __get_cpuid_count(7, 1, &leaf7a1, &b, &c, &d);
    if (strcmp(isa, "avx2") == 0) return 1;
    int avx512 = bit(leaf7b, 16) && bit(leaf7b, 17) && bit(leaf7b, 30) && bit(leaf7b, 31) && bit(leaf7c, 11) && (enabled_state() & 0xe6) == 0xe6;
    if (strcmp(isa, "avx512vnni") == 0) return avx512;
    return strcmp(isa, "avx512") == 0 && avx512 && bit(leaf7a1, 5);
}
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>

static int feature(const char *name) {
    int value = 0;
    size_t size = sizeof value;
    return sysctlbyname(name, &value, &size, 0, 0) == 0 && value != 0;
}

static int can_run(const char *isa) {
    if (!feature("hw.optional.arm.FEAT_DotProd")) return 0;
    return strcmp(isa, "neon") == 0 || (strcmp(isa, "i8mm") == 0 && feature("hw.optional.arm.FEAT_I8MM"));
}
#elif defined(__aarch64__)
#include <sys/auxv.h>

static int can_run(const char *isa) {
    int dotprod = getauxval(AT_HWCAP) >> 20 & 1;
    int i8mm = getauxval(AT_HWCAP2) >> 13 & 1;
    return dotprod && (strcmp(isa, "neon") == 0 || (strcmp(isa, "i8mm") == 0 && i8mm));
}
#else
static int can_run(const char *isa) { return isa == 0; }
#endif

/* SKALD_BUILT is a string of names separated by commas, best first: given by the build. */
static char runnable[sizeof SKALD_BUILT];

/** Called by one thread, while loading. */
SKALD_FUNCTION(skald_about, struct skald_about) {
    SKALD_UNUSED(first), SKALD_UNUSED(end), SKALD_UNUSED(third), SKALD_UNUSED(fourth);
    char built[sizeof SKALD_BUILT] = SKALD_BUILT;
    runnable[0] = 0;
    for (char *name = built, *next; name != 0 && *name != 0; name = next) {
        next = strchr(name, ',');
        if (next != 0) *next++ = 0;
        if (!can_run(name)) continue;
        if (runnable[0] != 0) strcat(runnable, ",");
        strcat(runnable, name);
    }
    a->version = SKALD_ABI_VERSION;
    a->built = SKALD_BUILT;
    a->isas = runnable;
}
