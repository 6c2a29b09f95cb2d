# What one connection sends: bytes, and the buffer that a batch of them leaves from.

from libc.stdint cimport uint8_t

from aiohttp_ws.net.loop cimport Flushable, LoopResources

cdef enum:
    DIRECT_FROM = 16384     # bytes that leave without a copy: so many, or more


cdef class Output(Flushable):
    cdef:
        object lower            # the transport below
        LoopResources resources
        object write
        readonly bint is_disconnected
        int fd                  # for writing straight to the socket; -1 for not
        uint8_t backlogged      # the transport below holds bytes of ours
        uint8_t shown           # others have the transport below, and may close it
        uint8_t copies          # the transport below copies what it keeps of a buffer
        uint8_t in_batch        # a read is being handled: its end flushes
        uint8_t prompt          # what comes outside a batch need not wait for more
        uint8_t *out
        Py_ssize_t out_used
        Py_ssize_t out_capacity
        double wrote_at         # when something last left outside a batch

    cdef int write_to(self, object transport) except -1
    cdef object show_transport(self)
    cdef uint8_t *reserve(self, Py_ssize_t size) except NULL
    cdef int put_bytes(self, const uint8_t *data, Py_ssize_t size, object owner) except -1
    cdef int end_batch(self) except -1
    cdef Py_ssize_t unsent(self) except -1
    cdef int leave(self) except -1
    cdef int flush(self) except -1
    cdef int flush_with(self, const uint8_t *payload, Py_ssize_t size, object owner) except -1
    cdef int give_back(self) except -1
    cdef int end_tcp(self, bint graceful) except -1
    cdef int hand_over(
        self, Py_ssize_t used, Py_ssize_t sent, const uint8_t *payload, Py_ssize_t size,
        object owner,
    ) except -1
