from libc.stdint cimport int64_t, uint32_t


cdef extern from "http1_scan.h" nogil:
    ctypedef struct http1_field:
        uint32_t name
        uint32_t name_size
        uint32_t value
        uint32_t value_size


cdef class MessageHead:
    cdef readonly tuple version
    cdef readonly bint keep_alive
    cdef readonly bint upgrade
    cdef readonly bint chunked
    cdef readonly bint has_body
    cdef readonly int64_t content_length
    # The head as received; the fields are offsets into it.
    cdef bytes _block
    cdef http1_field *_fields
    cdef uint32_t _count
    cdef int _encoding_index
    cdef tuple _raw_headers
    cdef object _headers

    cpdef object get_headers(self)
    cpdef str first(self, str name)
    cdef str _value(self, Py_ssize_t index)


cdef class RequestHead(MessageHead):
    cdef readonly str method
    cdef readonly str path
    cdef readonly str query_string
    cdef readonly bint expect_continue
    cdef uint32_t _target
    cdef uint32_t _target_size
    cdef int _host_index
    cdef int _expect_index


cdef class ResponseHead(MessageHead):
    cdef readonly int status
    cdef readonly str reason
    cdef readonly bint until_close
