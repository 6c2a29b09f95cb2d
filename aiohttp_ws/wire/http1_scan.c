#include <Python.h>

#include <string.h>

#include "http1_scan.h"
#include "tokens.h"

/* Whether what old servers send, and mail has, is read (RFC 9112 2.2, 5.2): LF alone at the end of
 * a line, folded values, control characters. None of it moves the end of a head or of a body. */
static int is_lenient(const http1_scan *s)
{
    return s->lenient && (s->kind == HTTP1_RESPONSE || s->kind == HTTP1_PART);
}

/* The line at s->pos is malformed as far as it goes: judge its length, then its end. */
static int line_error(http1_scan *s, const char *base, size_t size, int code, size_t at,
                      size_t error_size)
{
    int in_field = s->flags & HTTP1_STARTED;
    size_t limit = in_field ? s->max_field : s->max_line;
    const char *feed = memchr(base + s->pos, '\n', size - s->pos);
    size_t stop = feed ? (size_t)(feed - base) : size;
    size_t line = stop - s->pos;
    if (line > limit + 1) { /* 1: the CR */
        return http1_refuse(s, in_field ? HTTP1_E_FIELD_TOO_LONG : HTTP1_E_LINE_TOO_LONG, s->pos,
                     limit < 32 ? limit : 32);
    }
    if (feed == NULL) {
        return 0;
    }
    if (code == HTTP1_NO_ERROR) {
        code = HTTP1_E_LINE_END;
        at = s->pos;
        error_size = line;
    }
    return http1_refuse(s, code, at, at + error_size > stop ? stop - at : error_size);
}

static int incomplete_line(http1_scan *s, const char *base, size_t size)
{
    return line_error(s, base, size, HTTP1_NO_ERROR, 0, 0);
}

/* The bytes of the line end at `at`; 0 when it is not there, with what the scan has to return. */
static size_t line_end(http1_scan *s, const char *base, size_t size, const char *at, int *result)
{
    const char *end = base + size;
    if (end - at >= 2 && at[0] == '\r' && at[1] == '\n') {
        return 2;
    }
    if (end > at && at[0] == '\n' && is_lenient(s)) {
        return 1;
    }
    /* A bare CR or LF would end a line for some parsers only (RFC 9112 2.2). */
    *result = line_error(s, base, size, HTTP1_E_LINE_END, s->pos, (size_t)(at - base) - s->pos);
    return 0;
}

/* The first byte in [at, end) that ends a value or has no place in it, or end. */
static const char *skip_value(const http1_scan *s, const char *at, const char *end)
{
    at = http1_skip_value(at, end);
    if (is_lenient(s)) {
        while (at < end && *at != '\0' && *at != '\r' && *at != '\n') {
            at = http1_skip_value(at + 1, end);
        }
    }
    return at;
}

/* ------------------------------------------------------------------ start lines */

static int scan_version(http1_scan *s, const char *base, size_t size, const char *at)
{
    if (memcmp(at, "HTTP/1.", 7) == 0 && (at[7] == '1' || at[7] == '0')) {
        s->minor = at[7] - '0';
        return 0;
    }
    int code = HTTP1_E_VERSION;
    if (memcmp(at, "HTTP/", 5) == 0 && at[5] >= '0' && at[5] <= '9' && at[6] == '.' &&
        at[7] >= '0' && at[7] <= '9') {
        code = HTTP1_E_VERSION_UNSUPPORTED;
    }
    return line_error(s, base, size, code, (size_t)(at - base), 8);
}

static int scan_request_line(http1_scan *s, const char *base, size_t size)
{
    const char *end = base + size;
    int result;
    if (!HTTP1_IS(*base, HTTP1_TCHAR)) {
        return http1_refuse(s, HTTP1_E_FIRST_BYTE, 0, 1);
    }
    const char *at = http1_skip(base, end, HTTP1_METHOD);
    if (at == end) {
        return incomplete_line(s, base, size);
    }
    if (*at != ' ') {
        int code = *at == '\r' || *at == '\n' ? HTTP1_E_START_LINE : HTTP1_E_METHOD;
        at = http1_skip(at, end, HTTP1_TCHAR);
        return line_error(s, base, size, code, 0, (size_t)(at - base) + 1);
    }
    s->method_size = (uint32_t)(at - base);
    const char *target = at + 1;
    at = http1_skip(target, end, HTTP1_TARGET);
    if (at == end) {
        return incomplete_line(s, base, size);
    }
    if (*at != ' ' || at == target) {
        int code = *at == ' ' || *at == '\r' || *at == '\n' ? HTTP1_E_START_LINE
                                                           : HTTP1_E_TARGET_BYTE;
        return line_error(s, base, size, code, (size_t)(target - base),
                          (size_t)(at - target) + 1);
    }
    s->target = (uint32_t)(target - base);
    s->target_size = (uint32_t)(at - target);
    const char *version = at + 1;
    if (end - version < 8) {
        return line_error(s, base, size, HTTP1_E_VERSION, (size_t)(version - base), 8);
    }
    if ((result = scan_version(s, base, size, version)) != 0 || s->minor < 0) {
        return result;
    }
    if (end - version > 8 && version[8] != '\r' && version[8] != '\n') {
        return line_error(s, base, size, HTTP1_E_VERSION, (size_t)(version - base), 9);
    }
    if (!line_end(s, base, size, version + 8, &result)) {
        return result;
    }
    s->pos = (size_t)(version + 10 - base);
    return 1;
}

static int scan_status_line(http1_scan *s, const char *base, size_t size)
{
    const char *end = base + size;
    int result;
    if (*base != 'H') {
        return http1_refuse(s, HTTP1_E_FIRST_BYTE, 0, 1);
    }
    /* "HTTP/1.1 200": then SP and a phrase, or a bare end of line. Servers that leave the
     * phrase out often leave its SP out too; nothing else can be meant. */
    if (size < 13 || memchr(base, '\n', 12) != NULL) {
        return line_error(s, base, size, HTTP1_E_STATUS_LINE, 0, size);
    }
    if ((result = scan_version(s, base, size, base)) != 0 || s->minor < 0) {
        return result;
    }
    s->status = 0;
    for (int i = 9; i < 12; i++) {
        if (base[i] < '0' || base[i] > '9') {
            return line_error(s, base, size, HTTP1_E_STATUS, 8, 5);
        }
        s->status = s->status * 10 + (base[i] - '0');
    }
    if (base[8] != ' ' || s->status < 100 ||
        (base[12] != ' ' && base[12] != '\r' && base[12] != '\n')) {
        return line_error(s, base, size, HTTP1_E_STATUS, 8, 5);
    }
    const char *reason = base + 12 + (base[12] == ' ');
    const char *at = skip_value(s, reason, end);
    if (at == end) {
        return incomplete_line(s, base, size);
    }
    if (*at != '\r' && *at != '\n') {
        return line_error(s, base, size, HTTP1_E_REASON, (size_t)(reason - base),
                          (size_t)(at - reason) + 1);
    }
    size_t ending = line_end(s, base, size, at, &result);
    if (!ending) {
        return result;
    }
    s->reason = (uint32_t)(reason - base);
    s->reason_size = (uint32_t)(at - reason);
    s->pos = (size_t)(at - base) + ending;
    return 1;
}

/* --------------------------------------------------- fields that framing depends on */

static int scan_length(http1_scan *s, const char *value, size_t size, size_t at)
{
    if (s->content_length >= 0) {
        return http1_refuse(s, HTTP1_E_LENGTH_TWICE, at, size);
    }
    /* RFC 9110 8.6: 1*DIGIT, so no sign, no list. 18 digits always fit an int64. */
    if (size == 0 || size > 18) {
        return http1_refuse(s, HTTP1_E_LENGTH, at, size);
    }
    int64_t length = 0;
    for (size_t i = 0; i < size; i++) {
        if (value[i] < '0' || value[i] > '9') {
            return http1_refuse(s, HTTP1_E_LENGTH, at, size);
        }
        length = length * 10 + (value[i] - '0');
    }
    s->content_length = length;
    return 0;
}

/* The next element of a comma-separated list, without its whitespace; 0 at the end. */
static int next_element(const char **at, const char *end, const char **element, size_t *size)
{
    const char *p = *at;
    while (p < end && (*p == ',' || *p == ' ' || *p == '\t')) {
        p++;
    }
    if (p == end) {
        return 0;
    }
    const char *comma = memchr(p, ',', (size_t)(end - p));
    const char *last = comma ? comma : end;
    *at = last;
    while (last > p && (last[-1] == ' ' || last[-1] == '\t')) {
        last--;
    }
    *element = p;
    *size = (size_t)(last - p);
    return 1;
}

static void scan_connection(http1_scan *s, const char *at, const char *end)
{
    const char *element;
    size_t size;
    while (next_element(&at, end, &element, &size)) {
        if (http1_equal(element, size, HTTP1_NAME("close"))) {
            s->flags |= HTTP1_CLOSE;
        } else if (http1_equal(element, size, HTTP1_NAME("keep-alive"))) {
            s->flags |= HTTP1_KEEP;
        } else if (http1_equal(element, size, HTTP1_NAME("upgrade"))) {
            s->flags |= HTTP1_CONNECTION_UPGRADE;
        }
    }
}

static int scan_coding(http1_scan *s, const char *value, size_t size, size_t at)
{
    if (s->flags & HTTP1_CODING) {
        return http1_refuse(s, HTTP1_E_CODING_TWICE, at, size);
    }
    s->flags |= HTTP1_CODING;
    if (http1_equal(value, size, HTTP1_NAME("chunked"))) {
        s->flags |= HTTP1_CHUNKED;
        return 0;
    }
    /* RFC 9112 6.1: codings we do not know are 501, but without chunked as the last (and
     * only the last) one nobody knows where the body ends: 400 (6.3). */
    const char *p = value, *end = value + size, *element;
    size_t element_size;
    int chunked = 0, last_is_chunked = 0;
    while (next_element(&p, end, &element, &element_size)) {
        last_is_chunked = http1_equal(element, element_size, HTTP1_NAME("chunked"));
        chunked += last_is_chunked;
    }
    int unknown = last_is_chunked && chunked == 1 && *value != ',' && end[-1] != ',';
    return http1_refuse(s, unknown ? HTTP1_E_CODING_UNKNOWN : HTTP1_E_CODING_NOT_CHUNKED, at,
                        size);
}

static int scan_known_field(http1_scan *s, const char *base, const http1_field *field)
{
    const char *name = base + field->name;
    const char *value = base + field->value;
    size_t size = field->value_size;
    switch (field->name_size) {
    case 4:
        if (http1_equal(name, 4, HTTP1_NAME("host"))) {
            if (s->flags & HTTP1_HOST_FIELD && !is_lenient(s)) {
                return http1_refuse(s, HTTP1_E_HOST_TWICE, field->value, size);
            }
            s->flags |= HTTP1_HOST_FIELD;
            s->host = field->value;
            s->host_size = (uint32_t)size;
        }
        break;
    case 6:
        if (http1_equal(name, 6, HTTP1_NAME("expect"))) {
            s->expect_index = (int)s->count;
            if (http1_equal(value, size, HTTP1_NAME("100-continue"))) {
                s->flags |= HTTP1_EXPECT_CONTINUE;
            }
        }
        break;
    case 7:
        if (size && http1_equal(name, 7, HTTP1_NAME("upgrade"))) {
            s->flags |= HTTP1_UPGRADE_FIELD;
        }
        break;
    case 10:
        if (http1_equal(name, 10, HTTP1_NAME("connection"))) {
            scan_connection(s, value, value + size);
        }
        break;
    case 14:
        if (http1_equal(name, 14, HTTP1_NAME("content-length"))) {
            return scan_length(s, value, size, field->value);
        }
        break;
    case 16:
        if (http1_equal(name, 16, HTTP1_NAME("content-encoding"))) {
            s->encoding_index = s->encoding_index == -1 ? (int)s->count : -2;
        }
        break;
    case 17:
        if (http1_equal(name, 17, HTTP1_NAME("transfer-encoding"))) {
            return scan_coding(s, value, size, field->value);
        }
        break;
    }
    return 0;
}

/* ---------------------------------------------------------------------- fields */

static int add_field(http1_scan *s, const http1_field *field)
{
    if (s->count == s->max_fields) {
        return http1_refuse(s, HTTP1_E_TOO_MANY_FIELDS, field->name, field->name_size);
    }
    if (s->count == s->capacity || s->fields == NULL) {
        /* 16 fields are one small block of the allocator, and what most heads have. */
        uint32_t capacity = s->fields == NULL ? 16 : s->capacity * 2;
        http1_field *fields = PyMem_Realloc(s->fields, capacity * sizeof(http1_field));
        if (fields == NULL) {
            return http1_refuse(s, HTTP1_E_MEMORY, 0, 0);
        }
        s->fields = fields;
        s->capacity = capacity;
    }
    s->fields[s->count] = *field;
    return 0;
}

static int name_error(http1_scan *s, const char *base, size_t size, const char *name,
                      const char *stop)
{
    const char *end = base + size, *at = stop;
    int code = HTTP1_E_NAME;
    if (*stop == '\r' || *stop == '\n') {
        code = HTTP1_E_NO_COLON;
    } else if (*stop == ' ' || *stop == '\t') {
        while (at < end && (*at == ' ' || *at == '\t')) {
            at++;
        }
        if (at < end && *at == ':') {
            code = HTTP1_E_SPACE_BEFORE_COLON;
        }
    }
    return line_error(s, base, size, code, (size_t)(name - base), (size_t)(stop - name) + 1);
}

static const char *trimmed_end(const char *value, const char *end)
{
    while (end > value && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    return end;
}

/* Scan a value from *value on, to the end of its line: 1 when it is whole. *value then begins after the
   blanks, *stop is where the line's end begins, and *ending the size of that. */
static inline int scan_value(http1_scan *s, const char *base, size_t size, const char **value,
                             const char **stop, size_t *ending)
{
    const char *end = base + size;
    int result = 1;
    while (*value < end && (**value == ' ' || **value == '\t')) {
        (*value)++;
    }
    *stop = skip_value(s, *value, end);
    if (*stop == end) {
        return incomplete_line(s, base, size);
    }
    if (**stop != '\r' && **stop != '\n') {
        return line_error(s, base, size, HTTP1_E_VALUE, s->pos,
                          (size_t)(*stop - base) - s->pos + 1);
    }
    *ending = line_end(s, base, size, *stop, &result);
    return *ending ? 1 : result;
}

/* Scan a line at s->pos that goes on with the value of the field before it: 1 when it is taken. */
static int scan_fold(http1_scan *s, const char *base, size_t size)
{
    const char *value = base + s->pos, *stop;
    http1_field *field = &s->fields[s->count - 1];
    const char *name = base + field->name;
    size_t ending;
    int result;
    result = scan_value(s, base, size, &value, &stop, &ending);
    if (result != 1) {
        return result;
    }
    if (http1_equal(name, field->name_size, HTTP1_NAME("content-length")) ||
        http1_equal(name, field->name_size, HTTP1_NAME("transfer-encoding"))) {
        return http1_refuse(s, HTTP1_E_FOLD, s->pos, 1); /* not two readings of a length */
    }
    if ((size_t)(stop - name) > s->max_field) {
        return http1_refuse(s, HTTP1_E_FIELD_TOO_LONG, field->name,
                            s->max_field < 32 ? s->max_field : 32);
    }
    if (http1_equal(name, field->name_size, HTTP1_NAME("connection"))) {
        scan_connection(s, value, stop);
    }
    const char *value_end = trimmed_end(value, stop);
    if (value_end > value) {
        field->value_size = (uint32_t)(value_end - base) - field->value;
        s->flags |= HTTP1_FOLDED;
    }
    s->pos = (size_t)(stop - base) + ending;
    return 1;
}

/* Scan one field line at s->pos: 1 when it is taken. */
static int scan_field(http1_scan *s, const char *base, size_t size)
{
    const char *end = base + size, *stop;
    const char *name = base + s->pos;
    size_t ending;
    int result;
    if (*name == ' ' || *name == '\t') {
        if (s->count && is_lenient(s)) {
            return scan_fold(s, base, size);
        }
        int code = s->count || s->kind >= HTTP1_TRAILERS ? HTTP1_E_FOLD : HTTP1_E_LEADING_SPACE;
        return line_error(s, base, size, code, s->pos, 1);
    }
    const char *colon = http1_skip(name, end, HTTP1_TCHAR);
    if (colon == end) {
        return incomplete_line(s, base, size);
    }
    if (*colon != ':' || colon == name) {
        return name_error(s, base, size, name, colon);
    }
    const char *value = colon + 1;
    result = scan_value(s, base, size, &value, &stop, &ending);
    if (result != 1) {
        return result;
    }
    if ((size_t)(stop - name) > s->max_field) {
        return http1_refuse(s, HTTP1_E_FIELD_TOO_LONG, s->pos,
                            s->max_field < 32 ? s->max_field : 32);
    }
    const char *value_end = trimmed_end(value, stop);
    http1_field field = {(uint32_t)(name - base), (uint32_t)(colon - name),
                         (uint32_t)(value - base), (uint32_t)(value_end - value)};
    if (add_field(s, &field) < 0 ||
        (s->kind < HTTP1_TRAILERS && scan_known_field(s, base, &field) < 0)) {
        return -1;
    }
    s->count++;
    s->pos = (size_t)(stop - base) + ending;
    return 1;
}

/* ------------------------------------------------------------------- interface */

void http1_scan_reset(http1_scan *s)
{
    s->pos = 0;
    s->count = 0;
    s->flags = s->kind >= HTTP1_TRAILERS ? HTTP1_STARTED : 0;
    s->content_length = -1;
    s->encoding_index = s->expect_index = -1;
    s->host = s->host_size = 0;
    s->minor = -1;
    s->error = HTTP1_NO_ERROR;
}

int http1_scan_head(http1_scan *s, const char *base, size_t size)
{
    int result;
    if (!(s->flags & HTTP1_STARTED)) {
        if (size == 0) {
            return 0;
        }
        result = s->kind == HTTP1_REQUEST ? scan_request_line(s, base, size)
                                          : scan_status_line(s, base, size);
        if (result != 1) {
            s->minor = -1;
            return result;
        }
        size_t line = s->pos - (s->pos > 1 && base[s->pos - 2] == '\r' ? 2 : 1);
        if (line > (size_t)s->max_line) {
            s->pos = 0;
            return http1_refuse(s, HTTP1_E_LINE_TOO_LONG, 0, s->max_line < 32 ? s->max_line : 32);
        }
        s->flags |= HTTP1_STARTED;
    }
    for (;;) {
        if (s->pos == size) {
            return 0;
        }
        if (base[s->pos] == '\r' || (base[s->pos] == '\n' && is_lenient(s))) {
            size_t ending = line_end(s, base, size, base + s->pos, &result);
            if (!ending) {
                return result;
            }
            s->pos += ending;
            return s->kind >= HTTP1_TRAILERS || http1_judge_head(s, base) == 0 ? 1 : -1;
        }
        if ((result = scan_field(s, base, size)) != 1) {
            return result;
        }
    }
}
