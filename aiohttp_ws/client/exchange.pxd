# A request and its response on one connection.

from aiohttp_ws.net.link cimport Link
from aiohttp_ws.wire.http1_head cimport ResponseHead


cdef class Exchange:
    """A request on its connection, waiting for its response."""
    cdef:
        readonly str method
        readonly object connection
        readonly object plan
        readonly double deadline    # the loop's time; infinity for none
        readonly object headers
        readonly object upload      # what sends the body, or None
        readonly bint sends_body
        readonly object sock_read   # seconds, or None or 0 for no limit
        object future               # of the head and the body
        bint answered

    cdef int answer(self, ResponseHead head, object content) except -1
    cdef int answer_whole(self, ResponseHead head, bytes body, Link protocol) except -1
    cdef int fail(self, object error) except -1
    cdef int release(self) except -1
    cdef int settle(self) except -1
    cdef bint all_sent(self, object transport) except -1
