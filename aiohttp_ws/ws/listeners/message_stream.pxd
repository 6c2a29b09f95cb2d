# The reader and writer of a connection.

from aiohttp_ws.net.awaitables cimport Awaitable
from aiohttp_ws.ws.listeners.receive cimport MessageConnection


# What a receive operation does with the message it gets.
cdef enum Want:
    ANY
    NEXT                # `async for`
    TEXT
    BINARY
    JSON


cdef class MessageStream


cdef class Receive(Awaitable):
    cdef:
        MessageStream stream    # kept from being forgotten meanwhile
        MessageConnection connection
        Want want
        object loads
        bint suspended

    cdef object fit(self, object message)


cdef class MessageStream:
    """The reader and writer of a connection, as servers and clients share it."""
    cdef:
        readonly MessageConnection _connection
        object _receive_timeout

    cdef object _receive(self, Want want, object loads, object timeout)
