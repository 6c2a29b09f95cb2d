# What the connections of one event loop share, and how a task waits for one of them.

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
        object flush_callback
        readonly SpareBuffers spare

    cdef int masking_key(self, uint8_t *key) except -1
    cdef int flush_later(self, Flushable item) except -1


cpdef LoopResources resources_of(object loop)
cdef object plain_socket(object transport)


cdef class Waiter:
    """What a task waits on: one task, one wake-up, no Future."""
    cdef:
        public bint _asyncio_future_blocking
        object _loop
        object _callback
        object _context
        object _cancel_message
        bint _done
        bint _cancelled

    cdef int arm(self) except -1
    cdef int wake(self) except -1
    cdef int wake_soon(self) except -1


cdef class Awaitable:
    """Base of what this package returns to be awaited: a coroutine to whoever asks."""
    cdef object advance(self, bint *finished)
    cdef int drop(self) except -1


cdef class Failed(Awaitable):
    cdef object exception


cdef object DONE


cdef void make_sendable(object awaitable_type) noexcept
