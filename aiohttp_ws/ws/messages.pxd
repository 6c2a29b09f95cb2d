# The message level: one compiled listener between frames and coroutines.

from libc.stdint cimport uint8_t

from aiohttp_ws.wire.frames cimport Frame
from aiohttp_ws.ws.assembly cimport MessageAssembler
from aiohttp_ws.ws.loop cimport Awaitable, Waiter
from aiohttp_ws.ws.receive_queue cimport MessageQueue
from aiohttp_ws.ws.transport cimport WSTransport


# Where a connection stands in its closing handshake (RFC 6455 7.1).
cdef enum State:
    OPEN
    CLOSE_SENT          # ours is out, the peer's has not come
    CLOSE_RECEIVED      # the peer's came, ours waits for the application
    CLOSED              # both are done, or the connection is gone


cdef class MessageConnection(MessageAssembler):
    cdef:
        readonly WSTransport transport
        readonly object loop
        State state
        MessageQueue queue
        # settings
        bint autoping, autoclose
        readonly bint server
        public double close_timeout
        Py_ssize_t max_queue
        readonly object deflate         # DeflateParams, or None
        object deflater
        Py_ssize_t compress_from        # messages below this size are not compressed
        # receiving
        Waiter waiter
        bint waiting
        bint has_reader                 # receive() was called
        bint finished                   # the reader has seen the end
        object final                    # what the reader sees after the queue
        readonly int close_code_value   # 0 for none yet
        readonly object close_reason
        public object exception_value
        object ending                   # a fault or close message that messages precede
        object ending_timer
        int reads_after_end
        # sending
        list drain_waiters
        bytes pending_pong
        list closed_waiters
        list lost_waiters
        # heartbeat
        double heartbeat
        double last_heard
        int ping_outstanding    # 1 after a ping, 2 when half of its pong's time is over
        object heartbeat_timer
        object close_timer

    cdef int _close_frame(self, Frame *frame) except -1
    cdef int end_behind_messages(self, object ending) except -1
    cdef int end(self, int code, object final) except -1
    cdef int finish_transport(self) except -1
    cdef int linger(self) except -1
    cdef object take(self)
    cdef object send_message(self, uint8_t opcode, const uint8_t *data, Py_ssize_t size, object owner, object compress)
    cdef object send_control(self, uint8_t opcode, object payload)
    cdef object send_text(self, object text, object compress)
    cdef object send_buffer(self, uint8_t opcode, object data, object compress)
    cdef object drained(self)


cdef class Drain(Awaitable):
    cdef:
        MessageConnection connection
        object future
