# Sending where a send is a coroutine.

from libc.stdint cimport uint8_t

from aiohttp_ws.net.awaitables cimport Awaitable
from aiohttp_ws.ws.engine.connection cimport Connection, Listener


cdef class Operation(Awaitable):
    """A call that sends: it acts when it is first awaited, and waits while output piles up."""
    cdef object act(self, bint *finished)
    cdef Listener listener(self)
    cdef object settle(self, Connection connection, bint *finished)
    cdef object refuse(self, Connection connection)
    cdef object go_on(self, object coroutine, object value, bint *finished)


cdef class Drained(Operation):
    """Waits until there is room for output."""


cdef Awaitable drained(Listener listener, Connection connection)
cdef int put_text(Connection connection, uint8_t opcode, object text, object compress) except -1
cdef int put_buffer(Connection connection, uint8_t opcode, object data, object compress) except -1
cdef int put_control(Connection connection, uint8_t opcode, object payload) except -1
