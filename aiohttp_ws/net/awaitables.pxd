# How a task waits for a connection, and what public methods return to be awaited.


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
