"""Messages as aiohttp's interface wants them: WSMessage, taken off a queue by ``receive()``.

:class:`MessageConnection` is the listener that queues messages for one reader, and knows what that
reader is to be told of the end. What servers and clients show of it is
:class:`~aiohttp_ws.ws.listeners.message_stream.MessageStream`.
"""

import asyncio
import logging

from cpython.bytes cimport PyBytes_FromStringAndSize

from aiohttp_ws.net.loop cimport resources_of
from aiohttp_ws.wire.closing cimport (
    ABNORMAL,
    CLOSE_RECEIVED,
    CLOSE_SENT,
    CLOSED,
    NO_STATUS,
    OPEN,
    TCP_ENDED,
)
from aiohttp_ws.wire.frames cimport FIN, Frame, FrameReader, OP_BINARY, OP_PING
from aiohttp_ws.ws.close_codes cimport named_close_code
from aiohttp_ws.ws.engine.connection cimport AFTER_MESSAGES, BY_LISTENER, Connection

from aiohttp_ws.errors import ClientConnectionResetError, ServerTimeoutError
from aiohttp_ws.errors.faults import ProtocolFault
from aiohttp_ws.ws.close_codes import check_close
from aiohttp_ws.net.transports import has_ended
from aiohttp_ws.ws.engine.connection import FrameProtocol
from aiohttp_ws.ws.engine.keepalive import Keepalive
from aiohttp_ws.ws.types import WS_CLOSED_MESSAGE, WS_CLOSING_MESSAGE, WSMessage, WSMsgType

cdef extern from "aiohttp_ws/net/awaitables.h" nogil:
    double aws_monotonic()

cdef extern from "aiohttp_ws/net/awaitables.h":
    object aws_new_triple(object type, object a, object b, object c)

cdef enum:
    # What a queued message costs besides its payload: a flood of empty ones must fill
    # the queue too.
    MESSAGE_OVERHEAD = 128

#: The same for Python, under the name that it has in aiohttp.
MSG_SIZE_OVERHEAD = MESSAGE_OVERHEAD

cdef object logger = logging.getLogger("aiohttp_ws.ws")
cdef object MESSAGE = WSMessage
cdef object TYPE_PING = WSMsgType.PING
cdef object TYPE_PONG = WSMsgType.PONG
cdef object TYPE_CLOSE = WSMsgType.CLOSE
cdef object TYPE_ERROR = WSMsgType.ERROR


cdef class MessageConnection(MessageAssembler):
    """The listener of a connection of the web API; made by ``open_connection()``."""

    def __init__(
        self,
        loop,
        *,
        bint server,
        Py_ssize_t max_msg_size,
        Py_ssize_t max_queue,
        bint autoping,
        bint autoclose,
        bint decode_text,
        heartbeat,
        double close_timeout,
        deflate,
    ):
        cdef Connection transport
        cdef FrameReader reader = FrameReader(
            server,
            max_message_size=max_msg_size,
            check_utf8=decode_text,
            allow_rsv1=deflate is not None,
        )
        self.loop = loop
        self.queue = MessageQueue()
        self.max_message_size = max_msg_size
        self.max_queue = max_queue
        self.decode_text = decode_text
        self.heartbeat = heartbeat or 0.0
        self.deflate = deflate
        transport = self.transport = FrameProtocol(self, reader)
        transport.auto_pong = autoping
        transport.shows_pongs = not autoping
        transport.answers = AFTER_MESSAGES if autoclose else BY_LISTENER
        transport.close_timeout = close_timeout

    def start(self, transport, bytes rest, writer_limit, deflate_options):
        """Take over *transport* after its opening handshake; *rest* came along with it."""
        cdef Connection connection = self.transport
        connection.attach(transport, resources_of(self.loop))
        connection.use_deflate(self.deflate, deflate_options)
        if writer_limit is not None and not has_ended(transport):
            transport.set_write_buffer_limits(high=writer_limit)
        if self.heartbeat > 0:
            connection.last_heard = aws_monotonic()
            connection.keepalive = Keepalive(
                connection, self.heartbeat, self.heartbeat / 2, periodic=False, any_input=True
            )
        if rest:
            # Also of a transport that is closing: what came before the end is delivered.
            connection.feed(rest)
        if not connection.reading_paused and not has_ended(transport):
            transport.resume_reading()

    # ---------------------------------------------------------------- receiving

    cdef int deliver(self, Connection connection, Frame *frame) except -1:
        if frame.opcode <= OP_BINARY:
            if not self.closed_by_us:
                return self._data(frame)
            # RFC 6455 1.4: after our close frame, data is of no use any more.
            return 0
        return self.push(
            TYPE_PING if frame.opcode == OP_PING else TYPE_PONG,
            PyBytes_FromStringAndSize(<char *>frame.payload, frame.size),
            frame.size,
        )

    cdef int push(self, object msg_type, object data, Py_ssize_t size) except -1:
        cdef MessageQueue queue = self.queue
        queue.push(aws_new_triple(MESSAGE, msg_type, data, ""), size + MESSAGE_OVERHEAD)
        if queue.cost >= self.max_queue:
            if self.transport.is_disconnected:
                self.transport.reading_paused = True  # what is left of it waits
            else:
                self.transport.pause_reading()
        return 0

    cdef int batch_end(self, Connection connection) except -1:
        if self.waiting and (self.queue.count or connection.closing.state != OPEN):
            self.waiter.wake()
        return 0

    cdef object take(self):
        """Return the next message; call only where there is one, or the connection is closing."""
        cdef MessageQueue queue = self.queue
        cdef Connection connection = self.transport
        self.has_reader = True
        if queue.count:
            message = queue.pop()
            if connection.reading_paused and 2 * queue.cost <= self.max_queue:
                connection.last_heard = aws_monotonic()
                connection.resume_reading()
            return message
        if self.final is not None:
            message, self.final = self.final, None
            if connection.closing.state != CLOSE_RECEIVED:
                self.finished = True
            return message
        if connection.closing.state >= CLOSED:
            self.finished = True
            self.reads_after_end += 1
            if not connection.is_client_side and self.reads_after_end >= 5:
                raise RuntimeError("WebSocket connection is closed.")
            return WS_CLOSED_MESSAGE
        # close() has begun, or the peer's close frame was received. As in aiohttp, who was waiting
        # is told once that the connection is closing; who receives later, that it is closed.
        if self.told_closing:
            return WS_CLOSED_MESSAGE
        self.told_closing = True
        if connection.is_client_side and connection.closing.state == CLOSE_RECEIVED:
            # With autoclose=False, a client that receives again has left the answer to us.
            self.closed_by_us = self.finished = True
            connection.say_close(1000, b"")
            connection.flush()
            connection.cut_later(connection.close_timeout)
            return WS_CLOSED_MESSAGE
        return WS_CLOSING_MESSAGE

    cdef bint has_unread(self):
        return self.queue.count != 0

    # ------------------------------------------------------------------- ending

    cdef int faulted(self, Connection connection, object fault) except -1:
        if isinstance(fault, ProtocolFault):
            logger.debug("WebSocket connection failed with %d: %s", fault.code, fault)
            fault.code = named_close_code(fault.code)
        return 0

    cdef int left_open(self, Connection connection) except -1:
        # Our own close(), or a close frame that the application is to answer.
        if connection.closing.state == CLOSE_RECEIVED and connection.answers == BY_LISTENER:
            self.final = self.close_message()
        if self.waiting and not connection.in_batch and connection.closing.state == CLOSE_SENT:
            self.waiter.wake_soon()
        return 0

    cdef object close_message(self):
        cdef int code = self.transport.closing.received
        return WSMessage(
            TYPE_CLOSE,
            0 if code == NO_STATUS else named_close_code(code),
            self.transport.received_reason or "",
        )

    cdef int ended(self, Connection connection) except -1:
        if not connection.leftovers:
            self._drop_parts()
        if connection.end_exc is not None and self.exception_value is None:
            self.exception_value = connection.end_exc
        if connection.fault is not None:
            self.exception_value = connection.fault
            self.final = WSMessage(TYPE_ERROR, connection.fault, None)
        elif self.final is None and not self.closed_by_us:
            if connection.closing.received:
                self.final = self.close_message()
            else:
                # RFC 6455 7.1.5: without a close frame.
                self.final = WS_CLOSED_MESSAGE
        if self.waiting and not connection.in_batch:
            self.waiter.wake_soon()
        return 0

    cdef object closed_error(self):
        return ClientConnectionResetError("Cannot write to closing transport")

    cdef bint ping_due(self, Connection connection, bint again) except -1:
        if not connection.closing.sent and not connection.is_disconnected:
            connection.put(FIN | OP_PING, NULL, 0, None)
            if not connection.in_batch:
                connection.flush()
        return True

    cdef int unanswered(self, Connection connection, double seconds) except -1:
        error = ServerTimeoutError(
            f"no pong within {seconds:g} s of a ping (heartbeat={self.heartbeat:g})"
        )
        self.exception_value = error
        self.final = WSMessage(TYPE_ERROR, error, None)
        self.finished = True  # nothing of the peer's is left to wait for
        connection.cut()
        return 0

    async def close(self, code, message, bint drain):
        """Begin the closing handshake and see it through; return whether this call did."""
        cdef Connection connection = self.transport
        cdef bint first
        code, reason = check_close(code, message)
        if connection.answer_timer is not None:
            connection.answer_now()
        first = not self.closed_by_us and connection.closing.sent == 0
        first = first and connection.closing.state < CLOSED
        self.closed_by_us = True
        if first:
            self.told_closing = not self.waiting
            if connection.closing.state == CLOSE_RECEIVED:
                self.final = None
            connection.say_close(code, reason)
            if not connection.in_batch:
                connection.flush()
        if connection.closing.state < CLOSED:
            await self._until(True)
        self.finished = True
        if connection.is_client_side and not connection.is_disconnected:
            connection.cut_later(connection.close_timeout)
            await self._until(False)
        if not first:
            if connection.refusals:
                await asyncio.sleep(0)  # closing in a loop must not keep the event loop from running
            connection.refusals = True
        return first

    async def _until(self, bint end_of_handshake):
        """Wait until the closing handshake has ended, or TCP; cancelled, drop the connection."""
        cdef Connection connection = self.transport
        future = self.loop.create_future()
        if end_of_handshake:
            if connection.end_waiters is None:
                connection.end_waiters = []
            connection.end_waiters.append(future)
        else:
            if connection.lost_waiters is None:
                connection.lost_waiters = []
            connection.lost_waiters.append(future)
        try:
            await future
        except asyncio.CancelledError:
            connection.cut()
            raise

    @property
    def closed(self):
        """Whether :meth:`close` has begun, or the end has come and no message waits before it.

        The reader gets the message that tells of the end before this is true: a loop of
        ``while not closed`` around ``receive()`` misses nothing.
        """
        return self.closed_by_us or self.finished or (
            self.transport.closing.state >= CLOSED
            and self.queue.count == 0
            and (self.final is None or not self.has_reader)
        )

    @property
    def close_code(self):
        """The close code: ours after a fault and until the peer has answered, else the peer's."""
        cdef Connection connection = self.transport
        if connection.fault is not None and connection.closing.state >= CLOSED:
            return connection.fault.code
        if connection.closing.received:
            return connection.closing.received
        if connection.closing.state >= CLOSED:
            return ABNORMAL
        return connection.closing.sent or None

    @property
    def queued_bytes(self):
        """What the unreceived messages hold, about: payload and an overhead for each."""
        return self.queue.cost

    def when_lost(self, callback):
        """Call *callback* with connection_lost's argument when TCP has ended."""
        if self.transport.is_disconnected:
            self.loop.call_soon(callback, None)
        else:
            self.transport.lost_callback = callback

    def forget(self):
        """Close TCP once what was sent has left, since nobody holds the connection any more."""
        cdef Connection connection = self.transport
        if not connection.is_disconnected:
            connection.advance(TCP_ENDED)
            connection.end_tcp(True)
            connection.cut_later(connection.close_timeout)

    def abort(self):
        """Drop the connection at once."""
        self.transport.cut()
