/* Which vector instructions the C files of this folder may use, and how they ask for them.
 *
 * A wheel is built for the oldest processor of its kind, so wider instructions are compiled
 * function by function (a target attribute) and chosen when the program runs. */
#ifndef AIOHTTP_WS_SIMD_H
#define AIOHTTP_WS_SIMD_H

/* clang-cl comes without the run-time library behind __builtin_cpu_supports: it counts as MSVC. */
#if (defined(__x86_64__) || defined(__i386__)) && defined(__GNUC__) && !defined(_MSC_VER)
#  define AWS_X86_SIMD 1
#  include <immintrin.h>
#  define AWS_TARGET(name) __attribute__((target(name)))
#  define AWS_HAS_AVX2() (__builtin_cpu_init(), __builtin_cpu_supports("avx2"))
#  define AWS_HAS_SSE2() (__builtin_cpu_init(), __builtin_cpu_supports("sse2"))
#elif defined(_M_X64)
/* Every x64 processor has SSE2, which is all that is used here. */
#  define AWS_X86_SIMD 1
#  define AWS_NO_AVX2 1
#  include <emmintrin.h>
#  define AWS_TARGET(name)
#  define AWS_HAS_AVX2() 0
#  define AWS_HAS_SSE2() 1
#elif defined(__aarch64__) || defined(_M_ARM64)
/* NEON is part of the architecture: nothing to ask at run time. */
#  define AWS_NEON 1
#  include <arm_neon.h>
#endif

/* A function pointer that several threads may set to the same value at once. Relaxed order is
 * enough: what it points to is code, which was there before any thread was. */
#if defined(__GNUC__) || defined(__clang__)
#  define AWS_LOAD(p) __atomic_load_n(&(p), __ATOMIC_RELAXED)
#  define AWS_STORE(p, v) __atomic_store_n(&(p), (v), __ATOMIC_RELAXED)
#  define AWS_UNLIKELY(x) __builtin_expect(!!(x), 0)
#else /* aligned pointer-sized accesses are atomic on every target of MSVC */
#  define AWS_LOAD(p) (p)
#  define AWS_STORE(p, v) ((void)((p) = (v)))
#  define AWS_UNLIKELY(x) (x)
#endif

#endif
