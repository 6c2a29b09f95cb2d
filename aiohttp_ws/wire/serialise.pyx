"""Heads, chunks and small messages of HTTP/1.1 as bytes (RFC 9112).

Nothing a caller passes can end a line: control characters raise :exc:`ValueError`.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from libc.stdio cimport snprintf
from libc.string cimport memcpy

from http import HTTPStatus


cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(object text)
    const char *PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)


cdef extern from "tokens.h" nogil:
    enum:
        HTTP1_TCHAR
        HTTP1_TARGET
    const char *http1_skip(const char *at, const char *end, int of_class)
    const char *http1_skip_value(const char *at, const char *end)


LAST_CHUNK = b"0\r\n\r\n"

# (status, minor version) -> (reason, line) for the reasons of RFC 9110.
cdef dict STATUS_LINES = {}
for _status in HTTPStatus:
    for _minor in (0, 1):
        STATUS_LINES[_status.value * 2 + _minor] = (
            _status.phrase,
            b"HTTP/1.%d %d %s\r\n" % (_minor, _status.value, _status.phrase.encode()),
        )


cdef enum:
    ON_STACK = 2048


cdef struct Writer:
    char *start
    Py_ssize_t used
    Py_ssize_t capacity
    bint on_heap
    char stack[ON_STACK]


cdef void begin(Writer *w) noexcept:
    w.start = w.stack
    w.used = 0
    w.capacity = ON_STACK
    w.on_heap = False


cdef void finish(Writer *w) noexcept:
    if w.on_heap:
        PyMem_Free(w.start)


cdef int grow(Writer *w, Py_ssize_t more) except -1:
    cdef Py_ssize_t capacity = 2 * (w.used + more)
    cdef char *start
    if w.on_heap:
        start = <char *>PyMem_Realloc(w.start, capacity)
    else:
        start = <char *>PyMem_Malloc(capacity)
        if start != NULL:
            memcpy(start, w.stack, w.used)
    if start == NULL:
        raise MemoryError()
    w.start = start
    w.capacity = capacity
    w.on_heap = True
    return 0


cdef inline int put(Writer *w, const char *data, Py_ssize_t size) except -1:
    if w.capacity - w.used < size:
        grow(w, size)
    memcpy(w.start + w.used, data, size)
    w.used += size
    return 0


cdef int put_token(Writer *w, object text, str what) except -1:
    if not isinstance(text, str):
        raise TypeError(f"{what} {text!r} is not a str")
    cdef const char *data
    cdef Py_ssize_t size
    if PyUnicode_IS_ASCII(text):
        data = PyUnicode_DATA(text)
        size = PyUnicode_GET_LENGTH(text)
        if size and http1_skip(data, data + size, HTTP1_TCHAR) == data + size:
            return put(w, data, size)
    raise ValueError(f"{what} {text!r} is not a token (RFC 9110 5.6.2)")


cdef int put_text(Writer *w, object text, object what) except -1:
    """Text of a field value or a reason phrase; *what* names it, or is the field's name."""
    cdef const char *data
    cdef Py_ssize_t size
    cdef bytes encoded
    if not isinstance(text, str):
        raise TypeError(f"{named(what)} {text!r} is not a str")
    if PyUnicode_IS_ASCII(text):
        data = PyUnicode_DATA(text)
        size = PyUnicode_GET_LENGTH(text)
    else:
        encoded = (<str>text).encode("utf-8", "surrogateescape")
        data = PyBytes_AS_STRING(encoded)
        size = PyBytes_GET_SIZE(encoded)
    cdef const char *stop = http1_skip_value(data, data + size)
    if stop != data + size:
        raise ValueError(
            f"{named(what)} {text!r} holds the control character {chr(stop[0])!r};"
            " HTTP cannot carry it (RFC 9110 5.5)"
        )
    return put(w, data, size)


cdef str named(object what):
    return "reason" if what is None else f"value of {what}:"


cdef int put_fields(Writer *w, object headers) except -1:
    if not isinstance(headers, (list, tuple)) and hasattr(headers, "items"):
        headers = headers.items()
    for name, value in headers:
        put_token(w, name, "header name")
        put(w, b": ", 2)
        put_text(w, value, name)
        put(w, b"\r\n", 2)
    return 0


cdef int put_headers(Writer *w, object headers) except -1:
    put_fields(w, headers)
    return put(w, b"\r\n", 2)


cdef int minor_version(tuple version) except -1:
    if version == (1, 1):
        return 1
    if version == (1, 0):
        return 0
    raise ValueError(f"version {version!r} is neither (1, 1) nor (1, 0)")


cdef int put_status_line(Writer *w, int status, str reason, tuple version) except -1:
    cdef int minor = minor_version(version)
    cdef char line[16]
    known = STATUS_LINES.get(status * 2 + minor)
    if known is not None and (<tuple>known)[0] == reason:
        data = <bytes>(<tuple>known)[1]
        return put(w, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
    if not 100 <= status <= 999:
        raise ValueError(f"status {status} is not between 100 and 999")
    put(w, line, snprintf(line, sizeof(line), b"HTTP/1.%d %d ", minor, status))
    put_text(w, reason, None)
    return put(w, b"\r\n", 2)


cpdef bytes serialise_response(
    int status, str reason, tuple version, object headers, object body=None
):
    """Return status line, *headers* and *body* as one bytes object.

    :param status: 100 to 999.
    :param version: ``(1, 1)`` or ``(1, 0)``.
    :param headers: pairs, or a mapping; nothing is added to them.
    :raises ValueError: for a status, version, reason, name or value HTTP cannot carry.
    :raises TypeError: for a reason, name or value that is not a str.
    """
    cdef Writer w
    cdef bytes message
    cdef Py_buffer view
    cdef Py_ssize_t head
    begin(&w)
    try:
        put_status_line(&w, status, reason, version)
        put_headers(&w, headers)
        if body is None:
            return PyBytes_FromStringAndSize(w.start, w.used)
        head = w.used
        PyObject_GetBuffer(body, &view, PyBUF_SIMPLE)
        try:
            message = PyBytes_FromStringAndSize(NULL, head + view.len)
            memcpy(PyBytes_AS_STRING(message), w.start, head)
            memcpy(PyBytes_AS_STRING(message) + head, view.buf, view.len)
            return message
        finally:
            PyBuffer_Release(&view)
    finally:
        finish(&w)


cpdef bytes serialise_response_head(int status, str reason, tuple version, object headers):
    """Return status line and *headers*; parameters and errors of :func:`serialise_response`."""
    return serialise_response(status, reason, version, headers, None)


cpdef bytes serialise_request_head(str method, str target, tuple version, object headers):
    """Return request line and *headers*; nothing is added to them.

    :param method: a token (RFC 9110 9.1).
    :param target: the request target, visible ASCII without ``#`` (RFC 9112 3.2).
    :raises ValueError: for a method, target, version, name or value HTTP cannot carry.
    :raises TypeError: for one that is not a str.
    """
    cdef Writer w
    cdef int minor = minor_version(version)
    if target is None:
        raise TypeError("target None is not a str")
    begin(&w)
    try:
        put_token(&w, method, "method")
        put(&w, b" ", 1)
        if not is_request_target(target):
            raise ValueError(
                f"request target {target!r} must be visible ASCII without '#':"
                " percent-encode the rest (RFC 9112 3.2)"
            )
        put(&w, PyUnicode_DATA(target), PyUnicode_GET_LENGTH(target))
        put(&w, b" HTTP/1.1\r\n" if minor else b" HTTP/1.0\r\n", 11)
        put_headers(&w, headers)
        return PyBytes_FromStringAndSize(w.start, w.used)
    finally:
        finish(&w)


cpdef bytes serialise_fields(object headers):
    """Return *headers* as lines, without the empty one that ends a head.

    :raises ValueError: for a name or value HTTP cannot carry.
    :raises TypeError: for one that is not a str.
    """
    cdef Writer w
    begin(&w)
    try:
        put_fields(&w, headers)
        return PyBytes_FromStringAndSize(w.start, w.used)
    finally:
        finish(&w)


cpdef bint is_request_target(str target):
    """Whether *target* is visible ASCII without ``#`` (RFC 9112 3.2)."""
    cdef const char *data
    cdef Py_ssize_t size
    if not target or not PyUnicode_IS_ASCII(target):
        return False
    data = PyUnicode_DATA(target)
    size = PyUnicode_GET_LENGTH(target)
    return http1_skip(data, data + size, HTTP1_TARGET) == data + size


cpdef bytes encode_chunk(object data):
    """Return *data* as one chunk; ``b""`` for no data, since an empty chunk ends the body."""
    cdef Py_buffer view
    cdef char line[20]
    cdef bytes chunk
    cdef char *to
    cdef int size
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        if view.len == 0:
            return b""
        size = snprintf(line, sizeof(line), b"%zx\r\n", <size_t>view.len)
        chunk = PyBytes_FromStringAndSize(NULL, size + view.len + 2)
        to = PyBytes_AS_STRING(chunk)
        memcpy(to, line, size)
        memcpy(to + size, view.buf, view.len)
        memcpy(to + size + view.len, b"\r\n", 2)
        return chunk
    finally:
        PyBuffer_Release(&view)


cpdef bytes encode_last_chunk(object trailers=()):
    """Return the last chunk followed by *trailers* (RFC 9112 7.1.2).

    :raises ValueError: for a name or value HTTP cannot carry.
    """
    cdef Writer w
    begin(&w)
    try:
        put(&w, b"0\r\n", 3)
        put_headers(&w, trailers)
        return PyBytes_FromStringAndSize(w.start, w.used)
    finally:
        finish(&w)
