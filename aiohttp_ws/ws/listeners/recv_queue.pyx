"""What ``recv()`` takes messages from.

The queue is counted in frames and holds the fragments of a message, for ``recv_streaming()``.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t
from libc.string cimport memset

from aiohttp_ws.net.awaitables cimport (
    OVER,
    WAITING,
    Waiter,
    make_sendable,
    show_as_coroutine_functions,
)
from aiohttp_ws.wire.closing cimport OPEN
from aiohttp_ws.wire.frames cimport FIN, OP_CONTINUATION, OP_TEXT, Utf8State, utf8_feed
from aiohttp_ws.ws.engine.connection cimport Connection

from aiohttp_ws.errors.faults import Failure, FaultKind
from aiohttp_ws.ws.typed_messages import IncomingMessage

cdef extern from "Python.h":
    bint PyUnicode_Check(object o)

cdef enum:
    # Frames of one read go beyond the queue's mark up to here: a reader that is woken after them
    # takes them all, and what was read takes memory one way or the other.
    BATCH_FRAMES = 256
    BATCH_BYTES = 65536


cdef class Fragment:
    """A piece of a message, inflated."""


cdef class PullReceiver(MessageAssembler):
    """Base of :class:`PullConnection`: queues what comes, and gives it out by ``recv()``."""

    cdef bint is_over(self):
        """Whether the connection is lost, and nothing that had come before is left to receive."""
        cdef Connection transport = self.transport
        if transport is None:
            return self.begun
        return transport.is_disconnected and not transport.leftovers

    cdef int deliver(self, Connection connection, Frame *frame) except -1:
        return self._data(frame)

    cdef int _data(self, Frame *frame) except -1:
        cdef bint last = frame.flags & FIN
        if self.discarding:
            return 0
        if frame.opcode == OP_CONTINUATION or not last:
            return self._fragment(frame, last)
        if frame.compressed:
            return self._inflate(frame, True)
        return self._finish_message(frame.opcode, frame.payload, frame.size)

    cdef int _fragment(self, Frame *frame, bint last) except -1:
        cdef bytes piece
        cdef Fragment item
        cdef Py_ssize_t size
        cdef bint is_text = frame.message_opcode == OP_TEXT
        if frame.compressed:
            piece = self.inflated(frame, last, self.message_size)
            if piece is None:
                return 0
            size = PyBytes_GET_SIZE(piece)
            if is_text and utf8_feed(
                &self.utf8, <const uint8_t *>PyBytes_AS_STRING(piece), size
            ) != <size_t>size:
                return self.fault(FaultKind.TEXT)
            if is_text and last and self.utf8.need:
                return self.fault(FaultKind.TEXT_END)
        else:
            piece = PyBytes_FromStringAndSize(<char *>frame.payload, frame.size)
            size = frame.size
        self.message_size += size  # the frame reader holds what is not compressed to the limit
        if last:
            self.message_size = 0
            memset(&self.utf8, 0, sizeof(Utf8State))
        item = Fragment.__new__(Fragment)
        item.data = piece
        item.is_text = is_text
        item.last = last
        return self.push(None, item, size)

    cdef int push(self, object msg_type, object data, Py_ssize_t size) except -1:
        cdef MessageQueue queue = self.queue
        if self.max_fragment_size and size > self.max_fragment_size:
            return self.fault(FaultKind.FRAGMENT_SIZE, self.max_fragment_size)
        queue.push(data, size)
        if self.queue_high >= 0 and queue.count > self.queue_high:
            if self.transport.leftovers:
                self.transport.reading_paused = True  # what is left of it waits
            elif self.transport.closing.state != OPEN:
                # The peer's close frame must be seen: what does not fit is given up.
                self.discarding = True
            elif queue.count >= BATCH_FRAMES or queue.cost >= BATCH_BYTES:
                self.transport.pause_reading()
        return 0

    cdef int batch_end(self, Connection connection) except -1:
        if self.waiting and self.queue.count:
            self.waiter.wake()
        if (
            self.queue_high >= 0
            and self.queue.count > self.queue_high
            and connection.closing.state == OPEN
        ):
            connection.pause_reading()
        return 0

    cdef object next_item(self, bint fragments):
        """Return a whole message, or with *fragments* the next piece of one; None for nothing."""
        cdef Fragment piece
        if self.partial is not None and fragments:
            # What a recv() took that was cancelled.
            piece = Fragment.__new__(Fragment)
            piece.data = bytes(self.partial)
            piece.is_text = self.partial_is_text
            self.partial = None
            return piece
        while self.queue.count:
            item = self.queue.pop()
            if self.transport.reading_paused and self.queue.count <= self.queue_low:
                self.transport.resume_reading()
            if fragments or type(item) is not Fragment:
                return item
            piece = <Fragment>item
            if self.partial is None:
                self.partial = bytearray()
                self.partial_is_text = piece.is_text
            self.partial += piece.data
            if piece.last:
                return self.take_whole()
        return None

    cdef object take_whole(self):
        whole, self.partial = self.partial, None
        # It was validated as it came.
        return whole.decode() if self.partial_is_text else bytes(whole)

    def recv(self, decode=None):
        """Return the next message: text as :class:`str`, binary as :class:`bytes`.

        Messages that came before the connection was closed can be received afterwards.
        Cancelling it loses nothing, so that ``asyncio.timeout()`` and ``wait_for()`` may be
        put around it.

        :param decode: ``False`` returns text as bytes too, ``True`` binary as :class:`str`.
        :raises ConnectionClosed: when the connection is closed: :exc:`ConnectionClosedOK` after
            1000, 1001 or a close frame without a code, else :exc:`ConnectionClosedError`.
        :raises ConcurrencyError: when another task is in :meth:`recv` or
            :meth:`recv_streaming`.
        """
        cdef Recv operation = Recv.__new__(Recv)
        operation.name = b"recv"
        operation.subject = self
        if decode is not None:
            operation.what = AS_TEXT if decode else AS_BYTES
        return operation

    async def receive_message(self):
        """Return the next message as an IncomingMessage, its payload ``bytes`` for text too.

        It raises what :meth:`recv` raises.
        """
        message = await self.recv()
        if isinstance(message, str):
            return IncomingMessage(message.encode(), False)
        return IncomingMessage(message, True)

    def __anext__(self):
        cdef Recv operation = Recv.__new__(Recv)
        operation.name = b"__anext__"
        operation.subject = self
        operation.what = NEXT
        return operation

    def _recv_fragment(self):
        """Return the next Fragment, or a whole message that came in one frame."""
        cdef Recv operation = Recv.__new__(Recv)
        operation.subject = self
        operation.what = FRAGMENT
        return operation

    def _receiving(self):
        """Whether a task is waiting in recv() or recv_streaming()."""
        return self.waiting or self._streaming


show_as_coroutine_functions(PullReceiver, ("recv",))


cdef class Recv(Awaitable):
    """One ``recv()``: a queued message at once, or a wait for the next."""

    cdef object advance(self, bint *finished):
        cdef PullReceiver connection = <PullReceiver>self.subject
        if self.suspended:
            self.suspended = False
            connection.waiting = False
        elif connection.waiting or (connection._streaming and self.what != FRAGMENT):
            self.phase = OVER
            raise connection._concurrent_recv()
        elif self.phase == OVER:
            self.start()
        if connection.queue.count or connection.partial is not None:
            message = connection.next_item(self.what == FRAGMENT)
            if message is not None and (self.what == AS_TEXT or self.what == AS_BYTES):
                message = self.fit(message)
            if message is not None:
                self.phase = OVER
                finished[0] = True
                return message
        if connection.transport is not None and connection.transport.answer_timer is not None:
            # The reader has taken all that came before the fault.
            connection.transport.answer_now()
        if connection.is_over():
            if connection.told_end and not self.turned:
                # It has been told before. A reader that goes on must let the event loop run.
                self.turned = True
                self.phase = WAITING
                return None
            self.phase = OVER
            connection.told_end += 1
            if self.what == NEXT and connection._ended_well():
                raise StopAsyncIteration
            raise connection._closed_error()
        if connection.transport is not None and connection.transport.out_used:
            # Nothing more is coming from this task until the peer has spoken.
            connection.transport.flush()
        if connection.waiter is None:
            connection.waiter = Waiter(connection.loop)
        connection.waiter.arm()
        connection.waiting = True
        self.suspended = True
        self.phase = WAITING
        return connection.waiter

    cdef object fit(self, object message):
        """Return *message* as text or as bytes; None when it is not text."""
        if self.what == AS_BYTES:
            return message.encode() if PyUnicode_Check(message) else message
        if PyUnicode_Check(message):
            return message
        try:
            return message.decode()
        except UnicodeDecodeError as exc:
            self.subject._set_lost_exc(exc)
            (<PullReceiver>self.subject).transport.fail(
                Failure(1007, f"{exc.reason} at position {exc.start}")
            )
            return None

    cdef int drop(self) except -1:
        if self.suspended:
            self.suspended = False
            (<PullReceiver>self.subject).waiting = False
        return 0


make_sendable(Recv)
