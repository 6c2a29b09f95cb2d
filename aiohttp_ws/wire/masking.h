/* Masking of WebSocket payloads (RFC 6455 5.3). */
#ifndef AIOHTTP_WS_MASKING_H
#define AIOHTTP_WS_MASKING_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Below this many bytes the words written out here are quicker than a call. */
#define AWS_MASK_SMALL 32

/* XOR n >= AWS_MASK_SMALL bytes with a key of four bytes, in memory order. */
void aws_mask_bulk(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key);

/* The implementation in use: "avx2", "sse2", "neon" or "c", chosen at the first call. */
const char *aws_mask_backend(void);

/* For tests: use that implementation. Returns 0, or -1 when this machine does not have it. */
int aws_mask_force(const char *name);

/* The key as the byte `by` further on sees it: four bytes in memory, rotated. */
static inline uint32_t
aws_mask_rotate(uint32_t key, size_t by)
{
    const unsigned bits = 8 * (unsigned)(by & 3);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return (key << bits) | (key >> ((32 - bits) & 31));
#else
    return (key >> bits) | (key << ((32 - bits) & 31));
#endif
}

static inline void
aws_mask_word8(uint8_t *dst, uint64_t word, uint32_t key)
{
    word ^= ((uint64_t)key << 32) | key;
    memcpy(dst, &word, 8);
}

/* XOR n < AWS_MASK_SMALL bytes. Two overlapping words cover an odd length without a loop; all
 * loads come before the first store, so that masking in place stays right. */
static inline void
aws_mask_small(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    if (n >= 16) {
        uint64_t a, b, c, d;
        const uint32_t tail = aws_mask_rotate(key, n);
        memcpy(&a, src, 8);
        memcpy(&b, src + 8, 8);
        memcpy(&c, src + n - 16, 8);
        memcpy(&d, src + n - 8, 8);
        aws_mask_word8(dst, a, key);
        aws_mask_word8(dst + 8, b, key);
        aws_mask_word8(dst + n - 16, c, tail);
        aws_mask_word8(dst + n - 8, d, tail);
    } else if (n >= 8) {
        uint64_t a, b;
        memcpy(&a, src, 8);
        memcpy(&b, src + n - 8, 8);
        aws_mask_word8(dst, a, key);
        aws_mask_word8(dst + n - 8, b, aws_mask_rotate(key, n));
    } else if (n >= 4) {
        uint32_t a, b;
        memcpy(&a, src, 4);
        memcpy(&b, src + n - 4, 4);
        a ^= key;
        b ^= aws_mask_rotate(key, n);
        memcpy(dst, &a, 4);
        memcpy(dst + n - 4, &b, 4);
    } else {
        uint8_t k[4];
        size_t i;
        memcpy(k, &key, 4);
        for (i = 0; i < n; i++) {
            dst[i] = src[i] ^ k[i];
        }
    }
}

/* XOR n bytes of src into dst with key[(phase + i) & 3]. dst is src, or does not overlap it;
 * neither needs an alignment. */
static inline void
aws_mask(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t key[4], size_t phase)
{
    uint32_t word;
    memcpy(&word, key, 4);
    word = aws_mask_rotate(word, phase);
    if (n < AWS_MASK_SMALL) {
        aws_mask_small(dst, src, n, word);
    } else {
        aws_mask_bulk(dst, src, n, word);
    }
}

#endif
