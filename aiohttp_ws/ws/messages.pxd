# The message level: one compiled listener between frames and coroutines.

from cpython.object cimport PyObject
from libc.stdint cimport uint8_t

from aiohttp_ws.wire.frames cimport Frame, aws_utf8
from aiohttp_ws.ws.loop cimport Awaitable, Waiter
from aiohttp_ws.ws.transport cimport WSListener, WSTransport


# Where a connection stands in its closing handshake (RFC 6455 7.1).
cdef enum State:
    OPEN
    CLOSE_SENT          # ours is out, the peer's has not come
    CLOSE_RECEIVED      # the peer's came, ours waits for the application
    CLOSED              # both are done, or the connection is gone

# What a receive operation does with the message it gets.
cdef enum Want:
    ANY
    NEXT                # `async for`
    TEXT
    BINARY
    JSON

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


cdef class MessageConnection(WSListener):
    cdef:
        readonly WSTransport transport
        readonly object loop
        State state
        MessageQueue queue
        # settings
        bint autoping, autoclose, decode_text
        readonly bint server
        public double close_timeout
        Py_ssize_t max_queue
        Py_ssize_t max_message_size
        readonly object deflate         # DeflateParams, or None
        object deflater, inflater
        Py_ssize_t compress_from        # messages below this size are not compressed
        # receiving
        Waiter waiter
        bint waiting
        bint finished                   # the reader has seen the end
        object final                    # what the reader sees after the queue
        readonly int close_code_value   # 0 for none yet
        readonly object close_reason
        public object exception_value
        int reads_after_end
        # the message in progress
        uint8_t *parts
        Py_ssize_t parts_used, parts_capacity
        aws_utf8 utf8
        # sending
        list drain_waiters
        bytes pending_pong
        list closed_waiters
        list lost_waiters
        # heartbeat
        double heartbeat
        double last_heard
        bint ping_outstanding
        object heartbeat_timer
        object close_timer

    cdef int _close_frame(self, Frame *frame) except -1
    cdef int _data(self, Frame *frame) except -1
    cdef int _inflate(self, Frame *frame, bint last) except -1
    cdef int _keep_part(self, const uint8_t *data, Py_ssize_t size) except -1
    cdef int _finish_message(self, uint8_t opcode, const uint8_t *data, Py_ssize_t size) except -1
    cdef int _drop_parts(self) except -1
    cdef int push(self, object msg_type, object data, Py_ssize_t size) except -1
    cdef int fail(self, int code, object reason) except -1
    cdef int end(self, int code, object final) except -1
    cdef int finish_transport(self) except -1
    cdef int linger(self) except -1
    cdef int wake_reader(self) except -1
    cdef object take(self)
    cdef object send_message(self, uint8_t opcode, const uint8_t *data, Py_ssize_t size, object owner, object compress)
    cdef object send_control(self, uint8_t opcode, object payload)
    cdef object send_text(self, object text, object compress)
    cdef object send_buffer(self, uint8_t opcode, object data, object compress)
    cdef object drained(self)


cdef class Receive(Awaitable):
    cdef:
        MessageConnection connection
        Want want
        object loads
        bint suspended

    cdef object fit(self, object message)


cdef class Drain(Awaitable):
    cdef:
        MessageConnection connection
        object future


cdef class MessageStream:
    """The reader and writer of a connection, as servers and clients share it."""
    cdef:
        MessageConnection _connection
        object _receive_timeout

    cdef object _receive(self, Want want, object loads, object timeout)
