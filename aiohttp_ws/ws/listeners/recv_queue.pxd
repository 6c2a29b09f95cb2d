# What recv() takes messages from.

from aiohttp_ws.net.awaitables cimport Awaitable, Waiter
from aiohttp_ws.wire.frames cimport Frame
from aiohttp_ws.ws.listeners.assembly cimport MessageAssembler
from aiohttp_ws.ws.listeners.queue cimport MessageQueue


# What a receive operation makes of what it takes off the queue.
cdef enum Want:
    AS_SENT             # text as str, binary as bytes
    AS_TEXT
    AS_BYTES
    FRAGMENT            # a Fragment or a whole message, for recv_streaming()
    NEXT                # as sent, for `async for`


cdef class Fragment:
    """A piece of a message, inflated."""
    cdef:
        readonly bytes data
        readonly bint is_text       # of its whole message
        readonly bint last


cdef class PullReceiver(MessageAssembler):
    cdef:
        bint begun                  # the opening handshake is done, or will never be
        MessageQueue queue          # str, bytes and Fragments
        Py_ssize_t queue_high, queue_low    # in frames; -1 for no limit
        Py_ssize_t max_fragment_size        # bytes, inflated; 0 for no limit
        Py_ssize_t message_size             # of the fragments of the message that comes
        bint discarding             # what still comes is too much for the queue
        bytearray partial           # fragments that recv() took of a message whose end is to come
        bint partial_is_text
        Waiter waiter
        bint waiting
        unsigned int told_end       # how often recv() has raised ConnectionClosed
        readonly object loop
        public bint _streaming      # recv_streaming() has begun a message and not ended it

    cdef bint is_over(self)
    cdef object next_item(self, bint fragments)
    cdef object take_whole(self)
    cdef int _fragment(self, Frame *frame, bint last) except -1


cdef class Recv(Awaitable):
    cdef object fit(self, object message)
