/* The first line of a chunk. */
#include <Python.h>

#include "http1_scan.h"
#include "tokens.h"

int http1_scan_chunk(const char *line, size_t size, int lenient, int64_t *chunk_size,
                     size_t *extension_size)
{
    const char *at = line, *end = line + size;
    int64_t value = 0;
    *extension_size = 0;
    if (size == 0 || end[-1] != '\r') {
        return HTTP1_E_LINE_END;
    }
    end--;
    for (; at < end && Py_ISXDIGIT(*at); at++) {
        /* 15 digits always fit an int64; more are an attack on somebody's integer. */
        if (at - line >= 15) {
            return HTTP1_E_CHUNK_TOO_LARGE;
        }
        int digit = *at <= '9' ? *at - '0' : (*at | 0x20) - 'a' + 10;
        value = value * 16 + digit;
    }
    if (at == line) {
        return HTTP1_E_CHUNK_SIZE;
    }
    *chunk_size = value;
    while (lenient && at < end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    if (at == end) {
        return 0;
    }
    if (*at != ';') {
        return HTTP1_E_CHUNK_SIZE;
    }
    *extension_size = (size_t)(end - at);
    /* RFC 9112 7.1.1: *( ";" name [ "=" value ] ), without the whitespace of old senders. */
    while (at < end) {
        const char *name = at + 1;
        if (*at != ';' || (at = http1_skip(name, end, HTTP1_TCHAR)) == name) {
            return HTTP1_E_CHUNK_EXTENSION;
        }
        if (at == end || *at != '=') {
            continue;
        }
        const char *text = ++at;
        if (at < end && *at == '"') {
            for (at++; (at = http1_skip(at, end, HTTP1_QUOTED)) < end && *at == '\\'; at++) {
                if (++at == end || !HTTP1_IS(*at, HTTP1_VALUE)) {
                    return HTTP1_E_CHUNK_EXTENSION;
                }
            }
            if (at == end || *at++ != '"') {
                return HTTP1_E_CHUNK_EXTENSION;
            }
        } else if ((at = http1_skip(text, end, HTTP1_TCHAR)) == text) {
            return HTTP1_E_CHUNK_EXTENSION;
        }
    }
    return 0;
}
