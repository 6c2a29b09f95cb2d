"""The heads of HTTP/1.1 messages, as the parsers of :mod:`aiohttp_ws.wire.http1` make them.

A head keeps one copy of its bytes and the offsets that the scan found; the header objects
are made when first asked for, since many a request is answered without them.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.string cimport memcmp, memcpy

from http import HTTPStatus

from multidict import CIMultiDict, CIMultiDictProxy, istr

from aiohttp_ws import hdrs


cdef extern from "Python.h":
    object PyUnicode_New(Py_ssize_t size, Py_UCS4 maxchar)
    void *PyUnicode_DATA(object text)


cdef tuple _HTTP_10 = (1, 0)
cdef tuple _HTTP_11 = (1, 1)
HTTP_10 = _HTTP_10
HTTP_11 = _HTTP_11

cdef str GET = "GET"
cdef str POST = "POST"
cdef dict METHODS = {name.encode(): name for name in hdrs.METH_ALL}
cdef object _CIMultiDict = CIMultiDict
cdef object _CIMultiDictProxy = CIMultiDictProxy

# The names senders use, in the two spellings they use. An istr keeps CIMultiDict from
# folding the name's case, and finding it here is cheaper than making a str.
cdef enum:
    NAME_SLOTS = 1024  # four times the names, so that chains stay short

cdef struct KnownName:
    const char *text
    Py_ssize_t size
    void *name

cdef KnownName KNOWN_NAMES[NAME_SLOTS]
cdef list KEPT_NAMES = []  # owns what KNOWN_NAMES points to


cdef inline uint32_t name_slot(const char *text, Py_ssize_t size) noexcept:
    # Length, ends and middle tell nearly all the names of hdrs apart.
    cdef uint32_t key = <uint32_t>size * 131
    key = (key + <unsigned char>text[0]) * 131
    key = (key + <unsigned char>text[size // 2]) * 131
    return (key + <unsigned char>text[size - 1]) * 131 % NAME_SLOTS


cdef int keep_name(bytes text, object name) except -1:
    cdef uint32_t slot = name_slot(PyBytes_AS_STRING(text), len(text))
    while KNOWN_NAMES[slot].text != NULL:
        slot = (slot + 1) % NAME_SLOTS
    KEPT_NAMES.append((text, name))
    KNOWN_NAMES[slot].text = PyBytes_AS_STRING(text)
    KNOWN_NAMES[slot].size = len(text)
    KNOWN_NAMES[slot].name = <void *>name
    return 0


for _spelling in {
    spelling
    for name in vars(hdrs).values() if isinstance(name, istr)
    for spelling in (str(name), name.lower())
}:
    keep_name(_spelling.encode(), istr(_spelling))


cdef inline object field_name(const char *text, Py_ssize_t size):
    cdef uint32_t slot = name_slot(text, size)
    while KNOWN_NAMES[slot].text != NULL:
        if KNOWN_NAMES[slot].size == size and memcmp(KNOWN_NAMES[slot].text, text, size) == 0:
            return <object>KNOWN_NAMES[slot].name
        slot = (slot + 1) % NAME_SLOTS
    return ascii_text(text, size)


# RFC 9110 6.5.1: fields for framing, routing, authentication and content must not come in
# a trailer section, where what looked at the head has already decided without them.
cdef frozenset FORBIDDEN_TRAILERS = frozenset({
    b"authorization", b"cache-control", b"connection", b"content-encoding", b"content-length",
    b"content-range", b"content-type", b"cookie", b"expect", b"host", b"keep-alive",
    b"max-forwards", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"range",
    b"set-cookie", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"www-authenticate",
})

cdef dict REASONS = {status.value: status.phrase for status in HTTPStatus}
REASONS[302] = "Found"


cdef inline str ascii_text(const char *data, Py_ssize_t size):
    """Text of bytes that the scan has found to be ASCII."""
    if size == 0:
        return ""
    text = PyUnicode_New(size, 127)
    memcpy(PyUnicode_DATA(text), data, size)
    return <str>text


cdef inline str field_text(const char *data, Py_ssize_t size):
    return PyUnicode_DecodeUTF8(data, size, "surrogateescape")


cdef object make_headers(const char *base, const http1_field *fields, uint32_t count):
    cdef list pairs = []
    cdef const http1_field *field
    cdef uint32_t i
    for i in range(count):
        field = &fields[i]
        pairs.append((
            field_name(base + field.name, field.name_size),
            field_text(base + field.value, field.value_size),
        ))
    return _CIMultiDictProxy(_CIMultiDict(pairs))


cdef http1_field *sift_trailers(http1_scan *scan, const char *base) except? NULL:
    """Return the first field that no trailer section may have; a lenient scan drops them all."""
    cdef uint32_t i, kept = 0
    cdef http1_field *field
    for i in range(scan.count):
        field = &scan.fields[i]
        if base[field.name : field.name + field.name_size].lower() not in FORBIDDEN_TRAILERS:
            scan.fields[kept] = field[0]
            kept += 1
        elif not scan.lenient:
            return field
    scan.count = kept
    return NULL


@cython.no_gc
cdef class MessageHead:
    """Start line and header fields of one message, its framing already decided.

    Header objects are built when first asked for; everything else is ready.
    """

    def __dealloc__(self):
        PyMem_Free(self._fields)

    cdef int _take(self, http1_scan *scan, const char *base) except -1:
        self._block = PyBytes_FromStringAndSize(base, scan.pos)
        self._fields = scan.fields
        scan.fields = NULL
        self._count = scan.count
        if scan.flags & HTTP1_FOLDED:
            # Of the copy, which nobody has seen yet.
            http1_unfold(PyBytes_AS_STRING(self._block), self._fields, self._count)
        self._encoding_index = scan.encoding_index
        self.version = _HTTP_11 if scan.minor else _HTTP_10
        self.keep_alive = scan.flags & HTTP1_KEEP_ALIVE
        self.chunked = scan.flags & HTTP1_CHUNKED
        self.content_length = scan.content_length
        return 0

    @property
    def raw_headers(self):
        """Names and values as received, in order, outer whitespace of values removed."""
        cdef const char *base
        cdef http1_field *field
        cdef uint32_t i
        if self._raw_headers is None:
            base = PyBytes_AS_STRING(self._block)
            pairs = []
            for i in range(self._count):
                field = &self._fields[i]
                pairs.append((
                    PyBytes_FromStringAndSize(base + field.name, field.name_size),
                    PyBytes_FromStringAndSize(base + field.value, field.value_size),
                ))
            self._raw_headers = tuple(pairs)
        return self._raw_headers

    cdef object get_headers(self):
        if self._headers is None:
            self._headers = make_headers(
                PyBytes_AS_STRING(self._block), self._fields, self._count
            )
        return self._headers

    cdef int give_back(self) except -1:
        """Release what can be built again; for heads that outlive their handling by far."""
        cdef http1_field *fitting
        self._headers = None
        self._raw_headers = None
        if self._count:
            # There is room for 16 of them, or for more.
            fitting = <http1_field *>PyMem_Realloc(
                self._fields, self._count * sizeof(http1_field)
            )
            if fitting != NULL:
                self._fields = fitting
        return 0

    @property
    def headers(self):
        """The fields in order, values decoded from UTF-8 with ``surrogateescape``."""
        return self.get_headers()

    @property
    def content_encoding(self):
        """``Content-Encoding`` in lower case, or ``None`` without one."""
        if self._encoding_index == -1:
            return None
        if self._encoding_index == -2:
            return ", ".join(self.get_headers().getall("Content-Encoding")).lower()
        cdef http1_field *field = &self._fields[self._encoding_index]
        return field_text(PyBytes_AS_STRING(self._block) + field.value, field.value_size).lower()

    cpdef str first(self, str name):
        """Return the first value of field *name* without building :attr:`headers`.

        *name* is compared without case; ``None`` when the field is absent.
        """
        cdef bytes lower = name.lower().encode("utf-8", "surrogateescape")
        cdef const char *wanted = PyBytes_AS_STRING(lower)
        cdef const char *base = PyBytes_AS_STRING(self._block)
        cdef Py_ssize_t size = len(lower)
        cdef http1_field *field
        cdef const char *found
        cdef Py_ssize_t i, j
        cdef char c
        for i in range(self._count):
            field = &self._fields[i]
            if field.name_size != size:
                continue
            found = base + field.name
            for j in range(size):
                c = found[j]
                if c >= 65 and c <= 90:
                    c |= 0x20
                if c != wanted[j]:
                    break
            else:
                return field_text(base + field.value, field.value_size)
        return None


cdef inline str method_text(const char *data, uint32_t size):
    # RFC 9110 9.1: methods are case-sensitive. The common ones cost no lookup.
    if size == 3 and memcmp(data, b"GET", 3) == 0:
        return GET
    if size == 4 and memcmp(data, b"POST", 4) == 0:
        return POST
    known = METHODS.get(PyBytes_FromStringAndSize(data, size))
    return <str>known if known is not None else ascii_text(data, size)


@cython.final
@cython.no_gc
cdef class RequestHead(MessageHead):
    """The head of a request."""

    @property
    def target(self):
        """The request target as received (RFC 9112 3.2)."""
        return ascii_text(PyBytes_AS_STRING(self._block) + self._target, self._target_size)

    @property
    def host(self):
        """The value of ``Host``, valid as ``host[:port]``; ``""`` when HTTP/1.0 sent none."""
        return ascii_text(PyBytes_AS_STRING(self._block) + self._host, self._host_size)

    @property
    def expect(self):
        """The value of ``Expect``, or ``None``; anything but 100-continue deserves a 417."""
        if self._expect_index < 0:
            return None
        cdef http1_field *field = &self._fields[self._expect_index]
        return field_text(PyBytes_AS_STRING(self._block) + field.value, field.value_size)

    def __repr__(self):
        return f"<RequestHead {self.method} {self.target}>"


cdef RequestHead make_request_head(http1_scan *scan, const char *base):
    cdef RequestHead head = RequestHead.__new__(RequestHead)
    head._take(scan, base)
    head.method = method_text(base, scan.method_size)
    # An absolute target may have no path of its own (RFC 9112 3.2.1).
    head.path = ascii_text(base + scan.path, scan.path_size) if scan.path_size else "/"
    head.query_string = ascii_text(base + scan.query, scan.query_size)
    head._target = scan.target
    head._target_size = scan.target_size
    head._host = scan.host
    head._host_size = scan.host_size
    head._expect_index = scan.expect_index
    head.expect_continue = scan.flags & HTTP1_EXPECT_CONTINUE
    head.upgrade = scan.flags & HTTP1_UPGRADE
    # RFC 9112 6.3: without either, a request has no body.
    head.has_body = head.chunked or scan.content_length > 0
    return head


@cython.final
@cython.no_gc
cdef class ResponseHead(MessageHead):
    """The head of a response."""

    def __repr__(self):
        return f"<ResponseHead {self.status} {self.reason}>"


cdef str reason_text(int status, const char *data, Py_ssize_t size):
    known = REASONS.get(status)
    cdef str text = field_text(data, size)
    return <str>known if known is not None and known == text else text


cdef ResponseHead make_response_head(http1_scan *scan, const char *base, str method):
    """*method* is that of the request, on which the framing depends (RFC 9112 6.3)."""
    cdef ResponseHead head = ResponseHead.__new__(ResponseHead)
    cdef int status = scan.status
    head._take(scan, base)
    head.status = status
    head.reason = reason_text(status, base + scan.reason, scan.reason_size)
    head.upgrade = status == 101 or (200 <= status < 300 and method == "CONNECT")
    if head.upgrade or status < 200 or status == 204 or status == 304 or method == "HEAD":
        return head
    if head.chunked or scan.content_length >= 0:
        head.has_body = head.chunked or scan.content_length > 0
    else:
        head.has_body = head.until_close = True
        head.keep_alive = False
    return head
