from cpython.buffer cimport Py_buffer
from libc.stdint cimport int64_t, uint8_t, uint32_t

from aiohttp_ws.wire.http1_head cimport MessageHead, RequestHead, ResponseHead, http1_field


cdef extern from "http1_scan.h" nogil:
    ctypedef struct http1_scan:
        uint32_t max_line
        uint32_t max_field
        uint32_t max_fields
        bint is_response
        size_t pos
        http1_field *fields
        uint32_t count
        uint32_t target
        uint32_t target_size
        uint32_t path
        uint32_t path_size
        uint32_t query
        uint32_t query_size
        uint32_t method_size
        uint32_t reason
        uint32_t reason_size
        int status
        int minor
        uint32_t flags
        int64_t content_length
        int host_index
        int encoding_index
        int expect_index
        int error
        size_t error_at
        size_t error_size


cdef class MessageParser:
    cdef http1_scan _scan
    # Input: [_at, _end) lies in what was fed last, or in _tail.
    cdef const char *_at
    cdef const char *_end
    cdef Py_buffer _fed
    cdef bint _has_fed
    cdef char *_tail
    cdef Py_ssize_t _tail_capacity
    # Bytes from _at known to hold no line end.
    cdef Py_ssize_t _searched
    cdef uint8_t _state
    cdef uint8_t _blank_lines
    cdef bint _upgrade
    cdef bint _keep_alive
    cdef int64_t _remaining
    cdef Py_ssize_t _extension_bytes
    cdef Py_ssize_t _trailer_count
    cdef list _trailer_pairs
    cdef object _trailers
    cdef object _failure

    # The memory must stay as it is until next_event() returns None or raises, or keep_rest().
    cdef int feed_ptr(self, const char *data, Py_ssize_t size) except -1
    cpdef int feed(self, object data) except -1
    cpdef object next_event(self)
    cpdef object feed_eof(self)
    cpdef int keep_rest(self) except -1
    cpdef int resume(self) except -1
    cpdef bytes take_rest(self)


cdef class RequestParser(MessageParser):
    pass


cdef class ResponseParser(MessageParser):
    cdef str _method
    cpdef int expect(self, str method) except -1


cdef object END
