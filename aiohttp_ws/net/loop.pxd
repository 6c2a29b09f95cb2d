# What the connections of one event loop share.

from libc.stdint cimport uint8_t

from aiohttp_ws.wire.frames cimport SpareBuffers

cdef enum:
    RECEIVE_BUFFER = 262144     # bytes
    KEY_POOL = 4096             # bytes of randomness fetched at a time


cdef class Flushable:
    """Something with output that waits for the end of the batch."""
    cdef bint dirty             # in the list of its loop
    cdef int flush(self) except -1


cdef class LoopResources:
    cdef:
        readonly object loop
        object call_soon
        readonly object receive_buffer  # a memoryview
        uint8_t *receive_ptr
        uint8_t keys[KEY_POOL]
        int keys_used
        list dirty
        bint flush_scheduled
        unsigned long thread_id         # of the loop: of the thread that asked first
        unsigned int acts               # sends since one last let the loop run
        object flush_callback
        readonly SpareBuffers spare

    cdef int masking_key(self, uint8_t *key) except -1
    cdef bint in_thread(self) noexcept
    cdef int flush_later(self, Flushable item) except -1


cpdef LoopResources resources_of(object loop)
cdef object plain_socket(object transport)
