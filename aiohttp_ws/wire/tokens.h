/* Character classes of HTTP/1.1 (RFC 9110 5.6, RFC 9112) and the loops that use them. */
#ifndef AIOHTTP_WS_TOKENS_H
#define AIOHTTP_WS_TOKENS_H

#include <stddef.h>
#include <stdint.h>

enum {
    HTTP1_TCHAR = 1,   /* token characters, RFC 9110 5.6.2 */
    HTTP1_VALUE = 2,   /* field values: HTAB, SP, visible ASCII, obs-text, RFC 9110 5.5 */
    HTTP1_TARGET = 4,  /* request targets: visible ASCII but '#', which no target may hold */
    HTTP1_HOST = 8,    /* registered names: unreserved and sub-delims but ',', RFC 3986 3.2.2 */
    HTTP1_METHOD = 16, /* token characters but lower-case letters */
    HTTP1_QUOTED = 32  /* inside a quoted-string, RFC 9110 5.6.4 */
};

extern const uint8_t http1_classes[256];

/* A lower-case name and its size, for http1_equal(). */
#define HTTP1_NAME(text) text, sizeof(text) - 1

#define HTTP1_IS(c, class) (http1_classes[(uint8_t)(c)] & (class))

/* The first byte in [at, end) outside a class, or end. */
const char *http1_skip(const char *at, const char *end, int class);

/* The same for HTTP1_VALUE, 16 bytes at a time. */
const char *http1_skip_value(const char *at, const char *end);

/* Whether size bytes equal a lower-case ASCII name without case. */
int http1_equal(const char *data, size_t size, const char *lower, size_t lower_size);

#endif
