/* RFC 3629 as it stands in Unicode's table 3-7: the first byte of a sequence says how many
 * follow and, in four cases, narrows the range of the second; all others are 80..BF. So three
 * bytes of state are enough, and a bad byte is seen the moment it comes (RFC 6455 8.1).
 *
 * Text is mostly ASCII, which goes by in vectors. The rest is taken a sequence at a time while
 * it lies whole in the buffer, and a byte at a time where the buffer cuts it. */
#include "utf8.h"
#include "simd.h"

#include <string.h>

#define HIGH_BITS UINT64_C(0x8080808080808080)

/* The number of bytes before the first with its top bit set, in a word that has one. */
static inline size_t
ascii_in_word(const uint8_t *p, uint64_t high)
{
#if (defined(__GNUC__) || defined(__clang__)) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    (void)p;
    return (size_t)__builtin_ctzll(high) >> 3;
#else
    size_t i = 0;
    (void)high;
    while (p[i] < 0x80) {
        i++;
    }
    return i;
#endif
}

static size_t
ascii_words(const uint8_t *p, size_t n)
{
    size_t i = 0;

    for (; i + 8 <= n; i += 8) {
        uint64_t word;
        memcpy(&word, p + i, 8);
        if (word & HIGH_BITS) {
            return i + ascii_in_word(p + i, word & HIGH_BITS);
        }
    }
    while (i < n && p[i] < 0x80) {
        i++;
    }
    return i;
}

#ifdef AWS_X86_SIMD
#  ifndef AWS_NO_AVX2
AWS_TARGET("avx2") static size_t
ascii_avx2(const uint8_t *p, size_t n)
{
    size_t i = 0;

    for (; i + 128 <= n; i += 128) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(p + i));
        __m256i b = _mm256_loadu_si256((const __m256i *)(p + i + 32));
        __m256i c = _mm256_loadu_si256((const __m256i *)(p + i + 64));
        __m256i d = _mm256_loadu_si256((const __m256i *)(p + i + 96));
        __m256i any = _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d));
        if (_mm256_movemask_epi8(any)) {
            break; /* which of the four, the next loop finds */
        }
    }
    for (; i + 32 <= n; i += 32) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(p + i));
        if (_mm256_movemask_epi8(a)) {
            break;
        }
    }
    return i + ascii_words(p + i, n - i);
}
#  endif

AWS_TARGET("sse2") static size_t
ascii_sse2(const uint8_t *p, size_t n)
{
    size_t i = 0;

    for (; i + 16 <= n; i += 16) {
        if (_mm_movemask_epi8(_mm_loadu_si128((const __m128i *)(p + i)))) {
            break;
        }
    }
    return i + ascii_words(p + i, n - i);
}
#endif

#ifdef AWS_NEON
static size_t
ascii_neon(const uint8_t *p, size_t n)
{
    size_t i = 0;

    for (; i + 32 <= n; i += 32) {
        if (vmaxvq_u8(vorrq_u8(vld1q_u8(p + i), vld1q_u8(p + i + 16))) >= 0x80) {
            break;
        }
    }
    return i + ascii_words(p + i, n - i);
}
#endif

typedef size_t (*ascii_fn)(const uint8_t *p, size_t n);

static ascii_fn chosen; /* NULL until the first call; constant after it */

static ascii_fn
choose(void)
{
    ascii_fn fn = ascii_words;
#ifdef AWS_X86_SIMD
    if (AWS_HAS_SSE2()) {
        fn = ascii_sse2;
    }
#  ifndef AWS_NO_AVX2
    if (AWS_HAS_AVX2()) {
        fn = ascii_avx2;
    }
#  endif
#endif
#ifdef AWS_NEON
    fn = ascii_neon;
#endif
    AWS_STORE(chosen, fn);
    return fn;
}

size_t
aws_ascii_prefix(const uint8_t *p, size_t n)
{
    ascii_fn fn;

    if (n < 32) { /* no vector would be filled */
        return ascii_words(p, n);
    }
    fn = AWS_LOAD(chosen);
    return (AWS_UNLIKELY(fn == NULL) ? choose() : fn)(p, n);
}

/* ------------------------------------------------------------------------- sequences */

static inline int
continues(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

/* The length of the valid sequence that starts at p (its first byte is not ASCII) with at least
 * four bytes to read; 0 when it is not valid. */
static inline size_t
sequence(const uint8_t *p)
{
    const uint8_t a = p[0], b = p[1];

    if (a < 0xE0) {
        return a >= 0xC2 && continues(b) ? 2 : 0;
    }
    if (a < 0xF0) {
        /* E0 80..9F would be overlong, ED A0..BF a surrogate */
        return continues(b) && continues(p[2]) && (a != 0xE0 || b >= 0xA0) &&
                       (a != 0xED || b < 0xA0)
                   ? 3
                   : 0;
    }
    /* F0 80..8F would be overlong, F4 90..BF above U+10FFFF */
    return a <= 0xF4 && continues(b) && continues(p[2]) && continues(p[3]) &&
                   (a != 0xF0 || b >= 0x90) && (a != 0xF4 || b < 0x90)
               ? 4
               : 0;
}

/* Take one byte; 0 when it cannot stand here. */
static inline int
step(aws_utf8 *s, uint8_t byte)
{
    if (s->need) {
        if (byte < s->low || byte > s->high) {
            return 0;
        }
        s->need--;
        s->low = 0x80;
        s->high = 0xBF;
        return 1;
    }
    if (byte < 0x80) {
        return 1;
    }
    if (byte < 0xC2 || byte > 0xF4) {
        return 0;
    }
    s->need = (uint8_t)(byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3);
    s->low = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
    s->high = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
    return 1;
}

size_t
aws_utf8_feed(aws_utf8 *s, const uint8_t *p, size_t n)
{
    size_t i = 0, length;

    while (s->need && i < n) {
        if (!step(s, p[i])) {
            return i;
        }
        i++;
    }
    while (i < n) {
        i += aws_ascii_prefix(p + i, n - i);
        while (n - i >= 4 && p[i] >= 0x80) {
            length = sequence(p + i);
            if (AWS_UNLIKELY(length == 0)) {
                goto bytewise; /* which byte it is, the steps tell */
            }
            i += length;
        }
        if (n - i < 4) {
            break;
        }
    }
bytewise:
    for (; i < n; i++) {
        if (!step(s, p[i])) {
            return i;
        }
    }
    return n;
}
