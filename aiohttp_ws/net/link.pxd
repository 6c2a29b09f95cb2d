# A transport as an HTTP connection uses it: back-pressure, one timer.

from aiohttp_ws.net.output cimport Output


cdef class Link(Output):
    cdef:
        readonly object loop
        readonly object peername  # the client's address, also after it has disconnected
        bint reading_paused
        bint writing_paused
        object drain_waiter
        object timer
        double timer_at
        double deadline         # 0 for none

    cdef int attach(self, object transport, bint tcp_keepalive) except -1
    cdef int let_go(self) except -1
    cdef int put(self, bytes data) except -1
    cdef int set_deadline(self, double seconds) except -1
    cdef int arm_timer(self, double now) except -1
    cdef int stop_timer(self) except -1
    cdef int expire(self) except -1
