# The receiving half of a connection that is pulled by recv().

from aiohttp_ws.wire.frames cimport Frame
from aiohttp_ws.net.awaitables cimport Awaitable, Waiter
from aiohttp_ws.ws.listeners.queue cimport MessageQueue
from aiohttp_ws.ws.engine.send_messages cimport MessageSender


# What a receive operation makes of what it takes off the queue.
cdef enum Want:
    AS_SENT             # text as str, binary as bytes
    AS_TEXT
    AS_BYTES
    FRAGMENT            # a Fragment or a whole message, for recv_streaming()


cdef class Fragment:
    """A piece of a message, inflated."""
    cdef:
        readonly bytes data
        readonly bint is_text       # of its whole message
        readonly bint last


cdef class PullReceiver(MessageSender):
    cdef:
        bint begun                  # the opening handshake is done
        MessageQueue queue          # str, bytes and Fragments
        Py_ssize_t queue_high, queue_low    # in frames; -1 for no limit
        Py_ssize_t max_fragment_size        # bytes, inflated; 0 for no limit
        Py_ssize_t message_size             # of the fragments of the message that comes
        bint discarding             # what still comes is too much for the queue
        bytearray partial           # fragments that recv() took of a message whose end is to come
        bint partial_is_text
        Waiter waiter
        bint waiting
        public bint _streaming      # recv_streaming() has begun a message and not ended it
        # pings by payload, while a pong is expected
        public dict _pings

    cdef object next_item(self, bint fragments)
    cdef object take_whole(self)
    cdef int _fragment(self, Frame *frame, bint last) except -1
    cdef int _close_frame(self, Frame *frame) except -1


cdef class Recv(Awaitable):
    cdef:
        PullReceiver connection
        Want want
        bint iterating              # `async for`
        bint suspended

    cdef object fit(self, object message)
