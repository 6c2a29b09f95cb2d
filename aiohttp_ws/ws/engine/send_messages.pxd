# The sending half of the message level.

from libc.stdint cimport uint8_t

from aiohttp_ws.wire.contexts cimport MessageDeflater
from aiohttp_ws.ws.listeners.assembly cimport MessageAssembler
from aiohttp_ws.net.awaitables cimport Awaitable
from aiohttp_ws.ws.engine.transport cimport WSTransport


# Where a connection stands in its closing handshake (RFC 6455 7.1).
cdef enum State:
    OPEN
    CLOSE_SENT          # ours is out, the peer's has not come
    CLOSE_RECEIVED      # the peer's came, ours waits for the application
    CLOSED              # both are done, or the connection is gone


cdef class MessageSender(MessageAssembler):
    cdef:
        readonly WSTransport transport
        readonly object loop
        State state
        MessageDeflater deflater        # of permessage-deflate, or None
        Py_ssize_t compress_from        # messages below this size are not compressed
        list drain_waiters
        bytes pending_pong

    cdef object send_message(self, uint8_t opcode, const uint8_t *data, Py_ssize_t size, object owner, object compress)
    cdef object send_control(self, uint8_t opcode, object payload)
    cdef object send_text(self, object text, object compress)
    cdef object send_buffer(self, uint8_t opcode, object data, object compress)
    cdef object drained(self)


cdef class Drain(Awaitable):
    cdef:
        MessageSender connection
        object future
