/* What a complete head means as a whole: target and Host, framing, keep-alive, upgrade. */
#include <Python.h>

#include <string.h>

#include "http1_scan.h"
#include "tokens.h"

/* Whether [at, end) is uri-host [":" port] (RFC 9110 7.2); *port: whether it has a port. */
static int valid_host(const char *at, const char *end, int *port)
{
    const char *start = at;
    *port = 0;
    if (at < end && *at == '[') {
        int colons = 0;
        for (at++; at < end && *at != ']'; at++) {
            int letter = *at | 0x20;
            if (*at == ':') {
                colons++;
            } else if (!((*at >= '0' && *at <= '9') || *at == '.' ||
                         (letter >= 'a' && letter <= 'f'))) {
                return 0;
            }
        }
        if (at == end || colons < 2 || at - start > 46) {
            return 0;
        }
        at++;
    } else {
        for (; at < end && *at != ':'; at++) {
            if (*at == '%') {
                if (end - at < 3 || !Py_ISXDIGIT(at[1]) || !Py_ISXDIGIT(at[2])) {
                    return 0;
                }
                at += 2;
            } else if (!HTTP1_IS(*at, HTTP1_HOST)) {
                return 0;
            }
        }
        /* RFC 9110 4.2.1: an http URI with an empty host is invalid. */
        if (at == start) {
            return 0;
        }
    }
    if (at == end) {
        return 1;
    }
    if (*at++ != ':' || end - at > 5) {
        return 0;
    }
    long number = 0;
    for (*port = at < end; at < end; at++) {
        if (*at < '0' || *at > '9') {
            return 0;
        }
        number = number * 10 + (*at - '0');
    }
    return number <= 65535;
}

static int same_host(const char *a, size_t a_size, const char *b, size_t b_size)
{
    if (a_size != b_size) {
        return 0;
    }
    for (size_t i = 0; i < a_size; i++) {
        if (Py_TOLOWER(a[i]) != Py_TOLOWER(b[i])) {
            return 0;
        }
    }
    return 1;
}

/* RFC 9112 3.2.2; the path begins after the authority. */
static int judge_absolute(http1_scan *s, const char *base)
{
    const char *target = base + s->target, *end = target + s->target_size;
    size_t scheme = http1_equal(target, s->target_size < 7 ? 0 : 7, HTTP1_NAME("http://"))    ? 7
                    : http1_equal(target, s->target_size < 8 ? 0 : 8, HTTP1_NAME("https://")) ? 8
                                                                                           : 0;
    if (!scheme) {
        return http1_refuse(s, HTTP1_E_TARGET_FORM, s->target, s->target_size);
    }
    const char *host = target + scheme, *path = host;
    int port;
    while (path < end && *path != '/' && *path != '?') {
        path++;
    }
    if (!valid_host(host, path, &port)) {
        return http1_refuse(s, HTTP1_E_TARGET_FORM, s->target, s->target_size);
    }
    if (!(s->flags & HTTP1_HOST_FIELD)) {
        s->host = (uint32_t)(host - base);
        s->host_size = (uint32_t)(path - host);
    } else if (!same_host(host, (size_t)(path - host), base + s->host, s->host_size)) {
        return http1_refuse(s, HTTP1_E_HOST_MISMATCH, s->host, s->host_size);
    }
    s->path = (uint32_t)(path - base);
    return 0;
}

static int judge_target(http1_scan *s, const char *base)
{
    const char *target = base + s->target, *end = target + s->target_size;
    int port;
    s->path = s->target;
    s->query = 0;
    s->query_size = 0;
    if (s->flags & HTTP1_IS_CONNECT) {
        /* RFC 9112 3.2.3: authority-form, with CONNECT and nothing else. */
        if (!valid_host(target, end, &port) || !port) {
            return http1_refuse(s, HTTP1_E_CONNECT_TARGET, s->target, s->target_size);
        }
    } else if (*target == '/') {
        ;
    } else if (*target == '*') {
        /* RFC 9112 3.2.4 */
        if (s->target_size != 1 || s->method_size != 7 || memcmp(base, "OPTIONS", 7) != 0) {
            return http1_refuse(s, HTTP1_E_TARGET_FORM, s->target, s->target_size);
        }
    } else if (judge_absolute(s, base) < 0) {
        return -1;
    }
    const char *path = base + s->path;
    const char *mark = memchr(path, '?', (size_t)(end - path));
    if (mark != NULL) {
        s->query = (uint32_t)(mark + 1 - base);
        s->query_size = (uint32_t)(end - mark - 1);
        end = mark;
    }
    s->path_size = (uint32_t)(end - path);
    return 0;
}

static int judge_request(http1_scan *s, const char *base)
{
    int port;
    if (s->flags & HTTP1_HOST_FIELD) {
        const char *host = base + s->host;
        /* RFC 9112 3.2: empty where the target has no authority, as some clients send it. */
        if (s->host_size != 0 && !valid_host(host, host + s->host_size, &port)) {
            return http1_refuse(s, HTTP1_E_HOST, s->host, s->host_size);
        }
    } else if (s->minor == 1) {
        return http1_refuse(s, HTTP1_E_HOST_MISSING, 0, 0); /* RFC 9112 3.2 */
    }
    if (s->method_size == 7 && memcmp(base, "CONNECT", 7) == 0) {
        s->flags |= HTTP1_IS_CONNECT;
        if (s->content_length > 0 || s->flags & HTTP1_CODING) {
            return http1_refuse(s, HTTP1_E_CONNECT_BODY, 0, 7);
        }
    }
    if (judge_target(s, base) < 0) {
        return -1;
    }
    /* RFC 9110 7.8: Upgrade in HTTP/1.0 is ignored; 10.1.1: so is Expect. */
    uint32_t both = HTTP1_CONNECTION_UPGRADE | HTTP1_UPGRADE_FIELD;
    if (s->flags & HTTP1_IS_CONNECT || (s->minor == 1 && (s->flags & both) == both)) {
        s->flags |= HTTP1_UPGRADE;
    }
    if (s->minor == 0) {
        s->flags &= ~(uint32_t)HTTP1_EXPECT_CONTINUE;
    }
    return 0;
}

int http1_judge_head(http1_scan *s, const char *base)
{
    /* RFC 9112 6.1: these are how requests and responses are smuggled. */
    if (s->flags & HTTP1_CODING) {
        if (s->content_length >= 0) {
            return http1_refuse(s, HTTP1_E_LENGTH_AND_CODING, 0, 0);
        }
        if (s->minor == 0) {
            return http1_refuse(s, HTTP1_E_CODING_HTTP10, 0, 0);
        }
    }
    if (!(s->flags & HTTP1_CLOSE) && (s->minor == 1 || s->flags & HTTP1_KEEP)) {
        s->flags |= HTTP1_KEEP_ALIVE; /* RFC 9112 9.3 */
    }
    return s->kind == HTTP1_REQUEST ? judge_request(s, base) : 0;
}
