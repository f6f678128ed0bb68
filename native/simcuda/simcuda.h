// Makes a .cu file C++17: what CUDA's headers and compiler give a kernel, on the software device. The blocks of a launch run one after the other; the threads
// of a block are fibers of one processor thread, which pass control on only where CUDA lets threads wait for each other (see fiber.cpp).
// Kernels use of CUDA what is declared here and no more; a .cu file that compiles here and with nvcc is the aim.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#define __global__
#define __device__
#define __host__
#define __constant__ static const
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __restrict__ __restrict
#define __align__(n) __attribute__((aligned(n)))
// One block runs at a time, so what its threads share may be static.
#define __shared__ static

struct uint3 { unsigned x, y, z; };
struct dim3 { unsigned x = 1, y = 1, z = 1; };
struct alignas(8) int2 { int x, y; };
struct alignas(16) int4 { int x, y, z, w; };
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

namespace simcuda {

struct Thread {
    uint3 index;
    unsigned linear;
};

/** What the kernel that runs may see: set by the launcher. */
struct Launch {
    dim3 grid, block;
    uint3 blockIndex;
    void* dynamicShared;
};

extern "C" Thread* simcuda_thread;
extern "C" Launch simcuda_launch;
extern "C" void simcuda_barrier();
/** Lanes of the mask lay down `bytes` each and, when all have, may read what the others laid down: returns the 32 places, LANE_BYTES apart. */
extern "C" const unsigned char* simcuda_exchange(unsigned mask, const void* value, size_t bytes);
/** The same; the last lane to come runs `then` on the places before any lane reads them. */
extern "C" const unsigned char* simcuda_exchange_then(unsigned mask, const void* value, size_t bytes, void (*then)(unsigned char* places));
constexpr size_t LANE_BYTES = 32;

inline unsigned lane() { return simcuda_thread->linear & 31; }

template <class T> T laneValue(const unsigned char* places, unsigned from) {
    T value;
    std::memcpy(&value, places + from * LANE_BYTES, sizeof value);
    return value;
}

}  // namespace simcuda

#define threadIdx (simcuda::simcuda_thread->index)
#define blockIdx (simcuda::simcuda_launch.blockIndex)
#define blockDim (simcuda::simcuda_launch.block)
#define gridDim (simcuda::simcuda_launch.grid)
constexpr int warpSize = 32;

inline void __syncthreads() { simcuda::simcuda_barrier(); }
inline void __syncwarp(unsigned mask = ~0u) { simcuda::simcuda_exchange(mask, nullptr, 0); }

template <class T> T __shfl_sync(unsigned mask, T v, int from, int width = 32) {
    unsigned base = simcuda::lane() & ~unsigned(width - 1);
    return simcuda::laneValue<T>(simcuda::simcuda_exchange(mask, &v, sizeof v), base + (unsigned(from) & unsigned(width - 1)));
}
template <class T> T __shfl_xor_sync(unsigned mask, T v, int other) {
    return simcuda::laneValue<T>(simcuda::simcuda_exchange(mask, &v, sizeof v), simcuda::lane() ^ unsigned(other));
}
template <class T> T __shfl_down_sync(unsigned mask, T v, unsigned by) {
    unsigned from = simcuda::lane() + by;
    return simcuda::laneValue<T>(simcuda::simcuda_exchange(mask, &v, sizeof v), from < 32 ? from : simcuda::lane());
}
template <class T> T __shfl_up_sync(unsigned mask, T v, unsigned by) {
    unsigned self = simcuda::lane();
    return simcuda::laneValue<T>(simcuda::simcuda_exchange(mask, &v, sizeof v), self >= by ? self - by : self);
}
inline unsigned __ballot_sync(unsigned mask, int predicate) {
    unsigned char bit = predicate != 0;
    const unsigned char* places = simcuda::simcuda_exchange(mask, &bit, 1);
    unsigned bits = 0;
    for (unsigned i = 0; i < 32; i++) {
        if (mask >> i & 1) bits |= unsigned(places[i * simcuda::LANE_BYTES]) << i;
    }
    return bits;
}
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) == mask; }

// One thread runs at a time and is never interrupted: an ordinary operation is atomic. Under simcuda-check it says that it is meant to be.
#ifdef SIMCUDA_CHECK
extern "C" void simcuda_atomic(void* at, size_t bytes);
extern "C" __attribute__((weak)) const int simcuda_checked = 1;
#define SIMCUDA_ATOMIC template <class T> __attribute__((noinline, no_sanitize("thread"))) T
#define SIMCUDA_SAY_ATOMIC(at) simcuda_atomic(at, sizeof(T))
#else
#define SIMCUDA_ATOMIC template <class T> T
#define SIMCUDA_SAY_ATOMIC(at)
#endif
SIMCUDA_ATOMIC atomicAdd(T* at, T by) { SIMCUDA_SAY_ATOMIC(at); T old = *at; *at = old + by; return old; }
SIMCUDA_ATOMIC atomicMax(T* at, T by) { SIMCUDA_SAY_ATOMIC(at); T old = *at; if (by > old) *at = by; return old; }
SIMCUDA_ATOMIC atomicMin(T* at, T by) { SIMCUDA_SAY_ATOMIC(at); T old = *at; if (by < old) *at = by; return old; }
SIMCUDA_ATOMIC atomicOr(T* at, T by) { SIMCUDA_SAY_ATOMIC(at); T old = *at; *at = old | by; return old; }

template <class T> T __ldg(const T* at) { return *at; }
template <class A, class B> std::common_type_t<A, B> min(A a, B b) { return a < b ? a : b; }
template <class A, class B> std::common_type_t<A, B> max(A a, B b) { return a > b ? a : b; }
inline unsigned __umulhi(unsigned a, unsigned b) { return unsigned((uint64_t(a) * b) >> 32); }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) { return (unsigned long long)(((unsigned __int128)a * b) >> 64); }
inline int __popc(unsigned v) { return __builtin_popcount(v); }
inline int __ffs(int v) { return __builtin_ffs(v); }
inline int __clz(int v) { return v == 0 ? 32 : __builtin_clz(unsigned(v)); }

template <class To, class From> To simcuda_bits(From from) {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    std::memcpy(&to, &from, sizeof to);
    return to;
}
inline int __float_as_int(float v) { return simcuda_bits<int>(v); }
inline unsigned __float_as_uint(float v) { return simcuda_bits<unsigned>(v); }
inline float __int_as_float(int v) { return simcuda_bits<float>(v); }
inline float __uint_as_float(unsigned v) { return simcuda_bits<float>(v); }
inline long long __double_as_longlong(double v) { return simcuda_bits<long long>(v); }
inline double __longlong_as_double(long long v) { return simcuda_bits<double>(v); }
inline float __fmaf_rn(float a, float b, float c) { return std::fmaf(a, b, c); }
inline float __fsqrt_rn(float v) { return std::sqrt(v); }
inline float __fdiv_rn(float a, float b) { return a / b; }

// ---- 16-bit floats

struct __nv_bfloat16 { unsigned short bits; };
struct __half { unsigned short bits; };

inline float __bfloat162float(__nv_bfloat16 v) { return simcuda_bits<float>(unsigned(v.bits) << 16); }
inline __nv_bfloat16 __float2bfloat16_rn(float v) {
    unsigned bits = simcuda_bits<unsigned>(v);
    if (v != v) return {0x7fff};
    return {(unsigned short)((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}
inline float __half2float(__half v) {
    unsigned sign = unsigned(v.bits & 0x8000) << 16, exponent = v.bits >> 10 & 31, mantissa = v.bits & 1023;
    if (exponent == 31) return simcuda_bits<float>(sign | 0x7f800000 | mantissa << 13);
    if (exponent == 0) {
        float value = float(mantissa) * 0x1p-24f;
        return sign ? -value : value;
    }
    return simcuda_bits<float>(sign | (exponent + 112) << 23 | mantissa << 13);
}
inline __half __float2half_rn(float v) {
    unsigned bits = simcuda_bits<unsigned>(v), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return {0x7fff};
    if (magnitude >= 0x477ff000) return {(unsigned short)(sign | 0x7c00)};
    if (magnitude < 0x38800000) {  // below the smallest normal: adding ½ lets the float unit round
        float rounded = simcuda_bits<float>(magnitude) + 0.5f;
        return {(unsigned short)(sign | (simcuda_bits<unsigned>(rounded) - 0x3f000000))};
    }
    unsigned rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
    return {(unsigned short)(sign | ((rounded - 0x38000000) >> 13))};
}

// ---- kernels are found by name

template <class... A, size_t... I> void simcuda_call(void (*kernel)(A...), void** parameters, std::index_sequence<I...>) {
    kernel(*static_cast<A*>(parameters[I])...);
}
template <class... A> void simcuda_call(void (*kernel)(A...), void** parameters) {
    simcuda_call(kernel, parameters, std::index_sequence_for<A...>{});
}
/** Sizes of a kernel's parameters, ended by 0: what a launch must copy. */
template <class... A> const size_t* simcuda_sizes(void (*)(A...)) {
    static const size_t sizes[] = {sizeof(A)..., 0};
    return sizes;
}
/** Functions that any launcher can call, whatever the kernel's parameters are. */
#define SIMCUDA_KERNEL(name)                                                          \
    extern "C" void name##_simcuda(void** parameters) { simcuda_call(name, parameters); } \
    extern "C" const size_t* name##_simcuda_sizes() { return simcuda_sizes(name); }
