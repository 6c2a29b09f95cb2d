# The receive queue of a connection.

from cpython.object cimport PyObject


cdef struct Queued:
    PyObject *message
    Py_ssize_t cost

cdef enum:
    QUEUE_INLINE = 4


cdef class MessageQueue:
    """Messages that were read and not yet received: a ring that grows and shrinks."""
    cdef:
        Queued *items
        Queued first[QUEUE_INLINE]
        Py_ssize_t head, count, capacity
        Py_ssize_t cost         # what the messages hold, about, in bytes

    cdef int push(self, object message, Py_ssize_t cost) except -1
    cdef object pop(self)
    cdef void clear(self) noexcept
