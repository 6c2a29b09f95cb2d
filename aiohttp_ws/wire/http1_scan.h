/* One pass over the head of an HTTP/1.1 message: where everything is, how it is framed. */
#ifndef AIOHTTP_WS_HTTP1_SCAN_H
#define AIOHTTP_WS_HTTP1_SCAN_H

#include <stddef.h>
#include <stdint.h>

/* What a section of lines is. The last two are fields alone, which frame nothing: the end of a
 * chunked message, and the beginning of a part of a multipart one. */
enum { HTTP1_REQUEST, HTTP1_RESPONSE, HTTP1_TRAILERS, HTTP1_PART };

enum http1_flag {
    HTTP1_STARTED = 1, /* the start line is scanned */
    HTTP1_CLOSE = 2,   /* Connection: close */
    HTTP1_KEEP = 4,    /* Connection: keep-alive */
    HTTP1_CONNECTION_UPGRADE = 8,
    HTTP1_UPGRADE_FIELD = 16,
    HTTP1_CODING = 32,  /* Transfer-Encoding is present */
    HTTP1_CHUNKED = 64, /* and is exactly "chunked" */
    HTTP1_HOST_FIELD = 128,
    HTTP1_EXPECT_CONTINUE = 256,
    /* Verdicts, set when the head is complete. */
    HTTP1_KEEP_ALIVE = 512,
    HTTP1_UPGRADE = 1024,
    HTTP1_IS_CONNECT = 2048,
    HTTP1_FOLDED = 4096 /* a value goes over several lines; only of a lenient scan */
};

enum http1_error {
    HTTP1_NO_ERROR,
    HTTP1_E_MEMORY,
    HTTP1_E_FIRST_BYTE,
    HTTP1_E_METHOD,
    HTTP1_E_START_LINE,
    HTTP1_E_TARGET_BYTE,
    HTTP1_E_TARGET_FORM,
    HTTP1_E_CONNECT_TARGET,
    HTTP1_E_VERSION,
    HTTP1_E_VERSION_UNSUPPORTED,
    HTTP1_E_STATUS_LINE,
    HTTP1_E_STATUS,
    HTTP1_E_REASON,
    HTTP1_E_LINE_END,
    HTTP1_E_LINE_TOO_LONG,
    HTTP1_E_FIELD_TOO_LONG,
    HTTP1_E_TOO_MANY_FIELDS,
    HTTP1_E_BLANK_LINES,
    HTTP1_E_LEADING_SPACE,
    HTTP1_E_FOLD,
    HTTP1_E_NAME,
    HTTP1_E_SPACE_BEFORE_COLON,
    HTTP1_E_NO_COLON,
    HTTP1_E_VALUE,
    HTTP1_E_LENGTH,
    HTTP1_E_LENGTH_TWICE,
    HTTP1_E_LENGTH_AND_CODING,
    HTTP1_E_CODING_TWICE,
    HTTP1_E_CODING_UNKNOWN,
    HTTP1_E_CODING_NOT_CHUNKED,
    HTTP1_E_CODING_HTTP10,
    HTTP1_E_HOST_MISSING,
    HTTP1_E_HOST_TWICE,
    HTTP1_E_HOST,
    HTTP1_E_HOST_MISMATCH,
    HTTP1_E_CONNECT_BODY,
    HTTP1_E_CHUNK_SIZE,
    HTTP1_E_CHUNK_TOO_LARGE,
    HTTP1_E_CHUNK_EXTENSION,
    HTTP1_E_CHUNK_EXTENSIONS_TOO_LONG,
    HTTP1_E_CHUNK_END,
    HTTP1_E_TRAILER
};

/* A field, as offsets from the start of the head. */
typedef struct {
    uint32_t name;
    uint32_t name_size;
    uint32_t value;
    uint32_t value_size;
} http1_field;

typedef struct {
    uint32_t max_line;
    uint32_t max_field;
    uint32_t max_fields;
    int kind;
    int lenient; /* read what old servers send; heads of responses and parts only */

    size_t pos; /* where the first line not yet scanned begins */
    http1_field *fields; /* PyMem; the code that takes it sets this to NULL */
    uint32_t count;
    uint32_t capacity;

    uint32_t method_size;
    uint32_t target, target_size;
    uint32_t path, path_size;
    uint32_t query, query_size;
    uint32_t host, host_size;
    uint32_t reason, reason_size;
    int status;
    int minor; /* of HTTP/1.x */

    uint32_t flags;
    int64_t content_length; /* -1: none */
    int encoding_index;     /* of Content-Encoding; -1: none, -2: several */
    int expect_index;       /* of Expect, or -1 */

    int error; /* enum http1_error */
    size_t error_at, error_size;
} http1_scan;

/* Note why the message is refused; error_at and error_size are the offending part. */
static inline int http1_refuse(http1_scan *scan, int code, size_t at, size_t size)
{
    scan->error = code;
    scan->error_at = at;
    scan->error_size = size;
    return -1;
}

/* Forget the head scanned last; limits, kind and memory of the fields stay. */
void http1_scan_reset(http1_scan *scan);

/* Scan lines from scan->pos on. 1: the head ends at scan->pos. 0: more bytes are needed,
 * and no line end is beyond scan->pos. -1: scan->error.
 *
 * A line is judged only when it is complete (or too long), so that the verdict does not
 * depend on how the bytes were cut; but a first byte that begins no method is refused at
 * once, since no line end may ever come (a TLS handshake on a plain port). */
int http1_scan_head(http1_scan *scan, const char *base, size_t size);

/* Replace each obs-fold in the values of a head by SP (RFC 9112 5.2). */
static inline void http1_unfold(char *base, http1_field *fields, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char *value = base + fields[i].value, *to = value;
        const char *at = value, *end = value + fields[i].value_size;
        while (at < end) {
            if (*at != '\r' && *at != '\n') {
                *to++ = *at++;
                continue;
            }
            while (to > value && (to[-1] == ' ' || to[-1] == '\t')) {
                to--;
            }
            while (at < end && (*at == '\r' || *at == '\n' || *at == ' ' || *at == '\t')) {
                at++;
            }
            if (to > value && at < end) {
                *to++ = ' ';
            }
        }
        fields[i].value_size = (uint32_t)(to - value);
    }
}

/* Judge the fields of a complete head together. 0, or -1: scan->error. */
int http1_judge_head(http1_scan *scan, const char *base);

/* Parse a chunk's first line (RFC 9112 7.1), its LF not included. 0, or an error. A lenient
 * one may have white space after the size. */
int http1_scan_chunk(const char *line, size_t size, int lenient, int64_t *chunk_size,
                     size_t *extension_size);

#endif
