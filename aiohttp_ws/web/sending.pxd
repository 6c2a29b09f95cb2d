# How the server's side of an HTTP connection writes responses.

from aiohttp_ws.web.reading cimport RequestReader


cdef class ResponseSender(RequestReader):
    cdef int append(self, const char *data, Py_ssize_t size) except -1
    cdef int put_whole(self, tuple answer) except -1
    cdef Py_ssize_t put_piece(self, bytes head, object data, bint chunked, bint last) except -1
    cdef int check_open(self) except -1
