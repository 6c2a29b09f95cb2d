# What one connection sends: frames, and the buffer that a batch of them leaves from.

from libc.stdint cimport uint8_t

from aiohttp_ws.net.loop cimport Flushable, LoopResources


cdef class Output(Flushable):
    cdef:
        object lower            # the transport below
        readonly bint is_client_side
        readonly bint is_disconnected
        LoopResources resources
        object write
        int fd                  # for writing straight to the socket; -1 for not
        bint backlogged         # the transport below holds bytes of ours
        bint copies             # the transport below copies what it keeps of a buffer
        bint in_batch           # a read is being handled: its end flushes
        bint prompt             # a frame outside a batch need not wait for more
        uint8_t *out
        Py_ssize_t out_used
        Py_ssize_t out_capacity
        double wrote_at         # when a frame last left outside a batch

    cdef uint8_t *reserve(self, Py_ssize_t size) except NULL
    cdef int put(self, uint8_t first, const uint8_t *payload, Py_ssize_t size, object owner) except -1
    cdef int put_behind_room(self, uint8_t first, uint8_t *payload, Py_ssize_t size) except -1
    cdef int put_bytes(self, const uint8_t *data, Py_ssize_t size) except -1
    cdef int put_made(self, const uint8_t *frame, Py_ssize_t size) except -1
    cdef Py_ssize_t unsent(self) except -1
    cdef int leave(self) except -1
    cdef int flush(self) except -1
    cdef int flush_with(self, const uint8_t *payload, Py_ssize_t size, object owner) except -1
    cdef int give_back(self) except -1
    cdef int hand_over(
        self, Py_ssize_t used, Py_ssize_t sent, const uint8_t *payload, Py_ssize_t size,
        object owner,
    ) except -1
