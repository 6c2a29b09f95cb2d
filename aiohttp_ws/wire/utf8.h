/* UTF-8 validated as it arrives (RFC 3629): no surrogates, no overlong forms, nothing above
 * U+10FFFF. Only the state crosses from one piece of a message to the next, never text. */
#ifndef AIOHTTP_WS_UTF8_H
#define AIOHTTP_WS_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Where a message's text stands between two pieces. All zero: at its start. */
typedef struct {
    uint8_t need; /* bytes that the sequence under way still lacks */
    uint8_t low;  /* the range that the next of them must lie in; */
    uint8_t high; /* valid only while need is not 0 */
} aws_utf8;

/* Feed n bytes. Returns the index of the first byte that cannot continue any valid text, or n.
 * After a bad byte the state has no meaning: the message is lost. */
size_t aws_utf8_feed(aws_utf8 *s, const uint8_t *p, size_t n);

/* Non-zero when no sequence is under way, so that the text may end here. */
static inline int
aws_utf8_complete(const aws_utf8 *s)
{
    return s->need == 0;
}

/* The length of the leading run of ASCII in n bytes. */
size_t aws_ascii_prefix(const uint8_t *p, size_t n);

#endif
