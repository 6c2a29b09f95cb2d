# A transport as a connection uses it: batched output, back-pressure, one timer.

from aiohttp_ws.net.loop cimport Flushable


cdef class Link(Flushable):
    cdef:
        readonly object loop
        object lower            # the transport, None once it is gone
        readonly object peername  # the client's address, also when it is gone
        int fd                  # for writing straight to the socket; -1 for not
        bint backlogged         # the transport may hold bytes of ours
        bint in_batch           # a read is being handled: its end flushes
        object out              # None, bytes, or a list of bytes waiting for the flush
        Py_ssize_t out_size
        bint reading_paused
        bint writing_paused
        object drain_waiter
        object timer
        double timer_at
        double deadline         # 0 for none

    cdef int attach(self, object transport, bint tcp_keepalive) except -1
    cdef int let_go(self) except -1
    cdef int put(self, bytes data) except -1
    cdef int send(self, bytes data) except -1
    cdef int set_deadline(self, double seconds) except -1
    cdef int arm_timer(self, double now) except -1
    cdef int stop_timer(self) except -1
    cdef int expire(self) except -1
