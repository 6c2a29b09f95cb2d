# The message level as websockets' interface wants it: one compiled listener, pulled by recv().

from libc.stdint cimport uint8_t

from aiohttp_ws.wire.frames cimport Frame
from aiohttp_ws.ws.loop cimport Awaitable, Waiter
from aiohttp_ws.ws.receive_queue cimport MessageQueue
from aiohttp_ws.ws.sending cimport MessageSender


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


cdef class PullConnection(MessageSender):
    cdef:
        bint is_server
        bint begun                  # the opening handshake is done
        # receiving
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
        # sending
        public object _fragmenting  # a future while a fragmented message is sent
        # pings by payload, while a pong is expected
        public dict _pings
        # ending
        double close_timeout_value  # seconds; 0 for no limit
        int rcvd_code               # 0 for no close frame yet, 1005 for one without a code
        int sent_code
        object rcvd_reason, sent_reason
        bint rcvd_first
        readonly object _lost_exc   # what connection_lost() was told
        object close_timer
        list lost_waiters

    cdef object next_item(self, bint fragments)
    cdef object take_whole(self)
    cdef int _fragment(self, Frame *frame, bint last) except -1
    cdef int _close_frame(self, Frame *frame) except -1
    cdef int note_sent(self, int code, object reason) except -1
    cdef int end_tcp(self) except -1
    cdef object put_data(self, object message, object text, object compress)


cdef class Recv(Awaitable):
    cdef:
        PullConnection connection
        Want want
        bint iterating              # `async for`
        bint suspended

    cdef object fit(self, object message)


cdef class SendDrain(Awaitable):
    cdef:
        PullConnection connection
        object future
