"""Header fields without a start line: those of a part of a multipart message (RFC 2046 5.1)."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free
from libc.string cimport memset

from aiohttp_ws.wire.http1_faults cimport make_fault
from aiohttp_ws.wire.http1_head cimport (
    HTTP1_FOLDED,
    HTTP1_PART,
    http1_scan,
    http1_scan_head,
    http1_scan_reset,
    http1_unfold,
    make_headers,
)


def parse_fields(bytes data not None, Py_ssize_t at, int max_field_size, int max_headers):
    """Parse the fields that begin at offset *at*, and the empty line after them.

    See the stub for what it returns and raises.
    """
    cdef http1_scan scan
    cdef bytes block
    cdef int result
    memset(&scan, 0, sizeof(scan))
    scan.kind = HTTP1_PART
    scan.lenient = 1
    scan.max_field = max_field_size
    scan.max_fields = max_headers
    http1_scan_reset(&scan)
    cdef const char *base = PyBytes_AS_STRING(data) + at
    cdef Py_ssize_t size = len(data) - at
    try:
        result = http1_scan_head(&scan, base, size)
        if result == 0:
            return None
        if result < 0:
            kind, message, values = make_fault(&scan, base, size)
            raise kind(message, **values)
        if scan.flags & HTTP1_FOLDED:
            block = PyBytes_FromStringAndSize(base, scan.pos)
            base = PyBytes_AS_STRING(block)
            http1_unfold(PyBytes_AS_STRING(block), scan.fields, scan.count)
        return make_headers(base, scan.fields, scan.count), at + <Py_ssize_t>scan.pos
    finally:
        PyMem_Free(scan.fields)
