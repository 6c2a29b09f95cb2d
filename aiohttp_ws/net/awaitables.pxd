# How a task waits for a connection, and what public methods return to be awaited.

from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF


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


# Where an awaitable is in its life.
cdef enum Phase:
    NEW             # nobody has awaited it: it has done nothing
    WAITING         # the task waits for what advance() returned
    TURNED          # it let the loop run for one iteration, and goes on
    OVER


cdef class Awaitable:
    """What stands for a coroutine: it acts when it is first awaited, without a frame.

    All subclasses share these fields, and with them a free list.
    """
    cdef:
        const char *name        # of the method that returned it; NULL where nobody asks
        object subject          # what the method was called on
        # Its arguments, owned, or NULL: one is made for every message, and what it does not use
        # costs nothing.
        PyObject *data
        PyObject *option
        PyObject *extra
        unsigned char what
        # how far it is
        unsigned char phase     # a Phase
        bint suspended          # on what the subject will wake
        bint turned             # it has let the loop run
        object rest             # what is left to do: see the subclasses

    cdef object qualified(self)
    cdef object advance(self, bint *finished)
    cdef int drop(self) except -1
    cdef int start(self) except -1


cdef object DONE


cdef void make_sendable(object awaitable_type) noexcept


cdef inline PyObject *own(object argument):
    """Take a reference to *argument* for an Awaitable."""
    Py_INCREF(argument)
    return <PyObject *>argument


cdef int show_as_coroutine_functions(object owner, tuple names) except -1
