from aiohttp_ws.wire.http1_head cimport http1_scan


cdef extern from "http1_scan.h" nogil:
    enum http1_error:
        HTTP1_NO_ERROR
        HTTP1_E_MEMORY
        HTTP1_E_FIRST_BYTE
        HTTP1_E_METHOD
        HTTP1_E_START_LINE
        HTTP1_E_TARGET_BYTE
        HTTP1_E_TARGET_FORM
        HTTP1_E_CONNECT_TARGET
        HTTP1_E_VERSION
        HTTP1_E_VERSION_UNSUPPORTED
        HTTP1_E_STATUS_LINE
        HTTP1_E_STATUS
        HTTP1_E_REASON
        HTTP1_E_LINE_END
        HTTP1_E_LINE_TOO_LONG
        HTTP1_E_FIELD_TOO_LONG
        HTTP1_E_TOO_MANY_FIELDS
        HTTP1_E_BLANK_LINES
        HTTP1_E_LEADING_SPACE
        HTTP1_E_FOLD
        HTTP1_E_NAME
        HTTP1_E_SPACE_BEFORE_COLON
        HTTP1_E_NO_COLON
        HTTP1_E_VALUE
        HTTP1_E_LENGTH
        HTTP1_E_LENGTH_TWICE
        HTTP1_E_LENGTH_AND_CODING
        HTTP1_E_CODING_TWICE
        HTTP1_E_CODING_UNKNOWN
        HTTP1_E_CODING_NOT_CHUNKED
        HTTP1_E_CODING_HTTP10
        HTTP1_E_HOST_MISSING
        HTTP1_E_HOST_TWICE
        HTTP1_E_HOST
        HTTP1_E_HOST_MISMATCH
        HTTP1_E_CONNECT_BODY
        HTTP1_E_CHUNK_SIZE
        HTTP1_E_CHUNK_TOO_LARGE
        HTTP1_E_CHUNK_EXTENSION
        HTTP1_E_CHUNK_EXTENSIONS_TOO_LONG
        HTTP1_E_CHUNK_END
        HTTP1_E_TRAILER


cdef enum:
    MAX_BLANK_LINES = 2
    # Of one message: extensions mean nothing to us, so they may not cost much either.
    MAX_EXTENSION_BYTES = 4096

cdef tuple make_fault(const http1_scan *scan, const char *base, size_t size)
