# The reader and writer of a connection.

from libc.stdint cimport uint8_t

from aiohttp_ws.net.awaitables cimport Awaitable
from aiohttp_ws.ws.engine.connection cimport Connection, Listener
from aiohttp_ws.ws.engine.send_messages cimport Operation
from aiohttp_ws.ws.listeners.receive cimport MessageConnection


# What a receive operation does with the message it gets.
cdef enum Want:
    ANY
    NEXT                # `async for`
    TEXT
    BINARY
    JSON
    TYPED               # an IncomingMessage


cdef class Receive(Awaitable):
    cdef object fit(self, object message)


# What a send operation does.
cdef enum What:
    SEND_TEXT
    SEND_BYTES
    SEND_JSON
    SEND_JSON_BYTES
    SEND_TYPED
    SEND_FRAME
    SEND_PING
    SEND_PONG


cdef class Send(Operation):
    cdef int put_bytes_like(self, Connection connection, uint8_t opcode, object data) except -1
    cdef int put_typed(self, Connection connection, uint8_t opcode, object message) except -1


cdef class MessageStream:
    """The reader and writer of a connection, as servers and clients share it."""
    cdef:
        readonly MessageConnection _connection
        object _receive_timeout
        uint8_t overridden      # which methods a subclass has of its own

    cdef object _send(self, What what, const char *name, object data, object compress, object extra)
    cdef object _receive(self, Want want, const char *name, object loads, object timeout)
