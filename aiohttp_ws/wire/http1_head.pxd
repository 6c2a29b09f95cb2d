from libc.stdint cimport int64_t, uint32_t


cdef extern from "http1_scan.h" nogil:
    enum:
        HTTP1_REQUEST
        HTTP1_RESPONSE
        HTTP1_TRAILERS
        HTTP1_PART
        HTTP1_STARTED
        HTTP1_CHUNKED
        HTTP1_EXPECT_CONTINUE
        HTTP1_KEEP_ALIVE
        HTTP1_UPGRADE
        HTTP1_FOLDED

    ctypedef struct http1_field:
        uint32_t name
        uint32_t name_size
        uint32_t value
        uint32_t value_size

    ctypedef struct http1_scan:
        uint32_t max_line
        uint32_t max_field
        uint32_t max_fields
        int kind
        int lenient
        size_t pos
        http1_field *fields
        uint32_t count
        uint32_t method_size
        uint32_t target
        uint32_t target_size
        uint32_t path
        uint32_t path_size
        uint32_t query
        uint32_t query_size
        uint32_t host
        uint32_t host_size
        uint32_t reason
        uint32_t reason_size
        int status
        int minor
        uint32_t flags
        int64_t content_length
        int encoding_index
        int expect_index
        int error
        size_t error_at
        size_t error_size

    void http1_scan_reset(http1_scan *scan)
    int http1_scan_head(http1_scan *scan, const char *base, size_t size)
    int http1_scan_chunk(
        const char *line, size_t size, int lenient, int64_t *chunk_size, size_t *extension_size
    )
    void http1_unfold(char *base, http1_field *fields, uint32_t count)


cdef class MessageHead:
    cdef readonly tuple version
    cdef readonly int64_t content_length
    cdef readonly bint keep_alive
    cdef readonly bint upgrade
    cdef readonly bint chunked
    cdef readonly bint has_body
    # The head as received; the fields are offsets into it.
    cdef bytes _block
    cdef http1_field *_fields
    cdef uint32_t _count
    cdef int _encoding_index
    cdef tuple _raw_headers
    cdef object _headers

    cpdef str first(self, str name)
    cdef object get_headers(self)
    cdef int give_back(self) except -1
    cdef int _take(self, http1_scan *scan, const char *base) except -1


cdef class RequestHead(MessageHead):
    cdef readonly str method
    cdef readonly str path
    cdef readonly str query_string
    cdef readonly bint expect_continue
    cdef uint32_t _target
    cdef uint32_t _target_size
    cdef uint32_t _host
    cdef uint32_t _host_size
    cdef int _expect_index


cdef class ResponseHead(MessageHead):
    cdef readonly str reason
    cdef readonly int status
    cdef readonly bint until_close


cdef RequestHead make_request_head(http1_scan *scan, const char *base)
cdef ResponseHead make_response_head(http1_scan *scan, const char *base, str method)
cdef http1_field *sift_trailers(http1_scan *scan, const char *base) except? NULL
cdef object make_headers(const char *base, const http1_field *fields, uint32_t count)
