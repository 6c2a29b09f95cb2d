/* Masking in bulk: the widest words that this machine has.
 *
 * Each variant loads the last word of the source before it stores anything and writes it after
 * its loop, overlapping what the loop wrote. The odd bytes at the end so cost no branches, and
 * masking in place stays right. */
#include "masking.h"
#include "simd.h"

typedef void (*mask_fn)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key);

static void
mask_c(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    const uint32_t tail_key = aws_mask_rotate(key, n);
    uint64_t word, tail;
    size_t i;

    memcpy(&tail, src + n - 8, 8);
    for (i = 0; i + 8 <= n; i += 8) {
        memcpy(&word, src + i, 8);
        aws_mask_word8(dst + i, word, key);
    }
    aws_mask_word8(dst + n - 8, tail, tail_key);
}

#ifdef AWS_X86_SIMD
AWS_TARGET("sse2") static void
mask_sse2(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    const __m128i k = _mm_set1_epi32((int)key);
    const __m128i tail_key = _mm_set1_epi32((int)aws_mask_rotate(key, n));
    const __m128i tail = _mm_loadu_si128((const __m128i *)(src + n - 16));
    size_t i = 0;

    for (; i + 64 <= n; i += 64) {
        __m128i a = _mm_loadu_si128((const __m128i *)(src + i));
        __m128i b = _mm_loadu_si128((const __m128i *)(src + i + 16));
        __m128i c = _mm_loadu_si128((const __m128i *)(src + i + 32));
        __m128i d = _mm_loadu_si128((const __m128i *)(src + i + 48));
        _mm_storeu_si128((__m128i *)(dst + i), _mm_xor_si128(a, k));
        _mm_storeu_si128((__m128i *)(dst + i + 16), _mm_xor_si128(b, k));
        _mm_storeu_si128((__m128i *)(dst + i + 32), _mm_xor_si128(c, k));
        _mm_storeu_si128((__m128i *)(dst + i + 48), _mm_xor_si128(d, k));
    }
    for (; i + 16 <= n; i += 16) {
        __m128i a = _mm_loadu_si128((const __m128i *)(src + i));
        _mm_storeu_si128((__m128i *)(dst + i), _mm_xor_si128(a, k));
    }
    _mm_storeu_si128((__m128i *)(dst + n - 16), _mm_xor_si128(tail, tail_key));
}

#ifndef AWS_NO_AVX2
AWS_TARGET("avx2") static void
mask_avx2(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    const __m256i k = _mm256_set1_epi32((int)key);
    const __m256i tail_key = _mm256_set1_epi32((int)aws_mask_rotate(key, n));
    const __m256i tail = _mm256_loadu_si256((const __m256i *)(src + n - 32));
    size_t i = 0;

    for (; i + 128 <= n; i += 128) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(src + i));
        __m256i b = _mm256_loadu_si256((const __m256i *)(src + i + 32));
        __m256i c = _mm256_loadu_si256((const __m256i *)(src + i + 64));
        __m256i d = _mm256_loadu_si256((const __m256i *)(src + i + 96));
        _mm256_storeu_si256((__m256i *)(dst + i), _mm256_xor_si256(a, k));
        _mm256_storeu_si256((__m256i *)(dst + i + 32), _mm256_xor_si256(b, k));
        _mm256_storeu_si256((__m256i *)(dst + i + 64), _mm256_xor_si256(c, k));
        _mm256_storeu_si256((__m256i *)(dst + i + 96), _mm256_xor_si256(d, k));
    }
    for (; i + 32 <= n; i += 32) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(src + i));
        _mm256_storeu_si256((__m256i *)(dst + i), _mm256_xor_si256(a, k));
    }
    _mm256_storeu_si256((__m256i *)(dst + n - 32), _mm256_xor_si256(tail, tail_key));
}
#endif
#endif /* AWS_X86_SIMD */

#ifdef AWS_NEON
static void
mask_neon(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    const uint8x16_t k = vreinterpretq_u8_u32(vdupq_n_u32(key));
    const uint8x16_t tail_key = vreinterpretq_u8_u32(vdupq_n_u32(aws_mask_rotate(key, n)));
    const uint8x16_t tail = vld1q_u8(src + n - 16);
    size_t i = 0;

    for (; i + 64 <= n; i += 64) {
        uint8x16_t a = vld1q_u8(src + i);
        uint8x16_t b = vld1q_u8(src + i + 16);
        uint8x16_t c = vld1q_u8(src + i + 32);
        uint8x16_t d = vld1q_u8(src + i + 48);
        vst1q_u8(dst + i, veorq_u8(a, k));
        vst1q_u8(dst + i + 16, veorq_u8(b, k));
        vst1q_u8(dst + i + 32, veorq_u8(c, k));
        vst1q_u8(dst + i + 48, veorq_u8(d, k));
    }
    for (; i + 16 <= n; i += 16) {
        vst1q_u8(dst + i, veorq_u8(vld1q_u8(src + i), k));
    }
    vst1q_u8(dst + n - 16, veorq_u8(tail, tail_key));
}
#endif

/* ------------------------------------------------------------------ choice at run time */

static const struct backend {
    const char *name;
    mask_fn fn;
} backends[] = { /* best first */
#ifdef AWS_X86_SIMD
#  ifndef AWS_NO_AVX2
    {"avx2", mask_avx2},
#  endif
    {"sse2", mask_sse2},
#endif
#ifdef AWS_NEON
    {"neon", mask_neon},
#endif
    {"c", mask_c},
};
enum { BACKENDS = sizeof(backends) / sizeof(backends[0]) };

static const struct backend *chosen; /* NULL until the first call */

static int
available(const char *name)
{
#ifdef AWS_X86_SIMD
    if (strcmp(name, "avx2") == 0) {
        return AWS_HAS_AVX2() != 0;
    }
    if (strcmp(name, "sse2") == 0) {
        return AWS_HAS_SSE2() != 0;
    }
#endif
    (void)name;
    return 1;
}

/* Threads that come here together all choose the same. */
static const struct backend *
choose(void)
{
    int i = 0;

    while (i < BACKENDS - 1 && !available(backends[i].name)) {
        i++;
    }
    AWS_STORE(chosen, &backends[i]);
    return &backends[i];
}

static inline const struct backend *
backend(void)
{
    const struct backend *b = AWS_LOAD(chosen);
    return AWS_UNLIKELY(b == NULL) ? choose() : b;
}

void
aws_mask_bulk(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    backend()->fn(dst, src, n, key);
}

const char *
aws_mask_backend(void)
{
    return backend()->name;
}

int
aws_mask_force(const char *name)
{
    int i;

    for (i = 0; i < BACKENDS; i++) {
        if (strcmp(backends[i].name, name) == 0 && available(name)) {
            AWS_STORE(chosen, &backends[i]);
            return 0;
        }
    }
    return -1;
}
