# How the server's side of an HTTP connection writes responses.

from aiohttp_ws.web.reading cimport RequestReader


cdef enum:
    GATHER = 262144         # bytes of large pieces that leave together


cdef class ResponseSender(RequestReader):
    cdef:
        # Large pieces that precede the output, which is never empty then; None for none.
        list held
        Py_ssize_t held_size

    cdef int append(self, const char *data, Py_ssize_t size) except -1
    cdef int put_whole(self, tuple answer) except -1
    cdef Py_ssize_t put_piece(self, bytes head, object data, bint chunked, bint last) except -1
    cdef int hold(self, bytes data) except -1
    cdef bytes take_output(self)
    cdef int pass_on(self, list pieces, Py_ssize_t sent) except -1
    cdef int check_open(self) except -1
