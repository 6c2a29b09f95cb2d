"""The message level: one compiled listener between frames and coroutines.

:class:`MessageConnection` queues messages and runs everything that must not wait for the
application: pongs, the heartbeat, the closing handshake (RFC 6455 5.5, 7). What servers and
clients show of it is :class:`~aiohttp_ws.ws.listeners.message_stream.MessageStream`.
"""

import asyncio
import logging
import sys

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_DecodeUTF8

from aiohttp_ws.wire.contexts cimport MessageDeflater, MessageInflater
from aiohttp_ws.wire.frames cimport FIN, OP_BINARY, OP_PING, OP_PONG, FrameReader
from aiohttp_ws.ws.close_codes cimport named_close_code, sendable_close_code
from aiohttp_ws.net.loop cimport resources_of
from aiohttp_ws.ws.engine.send_messages cimport CLOSE_RECEIVED, CLOSE_SENT, CLOSED, OPEN
from aiohttp_ws.ws.engine.transport cimport WSTransport

from aiohttp_ws.errors import ServerTimeoutError, WebSocketError
from aiohttp_ws.ws.close_codes import check_close
from aiohttp_ws.ws.engine.context_pool import live_contexts
from aiohttp_ws.net.tcp_info import tcp_is_silent
from aiohttp_ws.ws.engine.transport import WSProtocol
from aiohttp_ws.ws.types import WS_CLOSED_MESSAGE, WS_CLOSING_MESSAGE, WSMessage, WSMsgType

if sys.version_info >= (3, 11):
    from asyncio import timeout as timeout_scope
else:
    from async_timeout import timeout as timeout_scope

cdef extern from "aiohttp_ws/net/awaitables.h" nogil:
    double aws_monotonic()

cdef extern from "aiohttp_ws/net/awaitables.h":
    object aws_new_triple(object type, object a, object b, object c)

cdef enum:
    # What a queued message costs besides its payload: a flood of empty ones must fill
    # the queue too.
    MESSAGE_OVERHEAD = 128
    NO_STATUS = 1005
    ABNORMAL = 1006

# Seconds in which messages before a close frame or a fault can be answered.
cdef double ANSWERS_WITHIN = 1.0

cdef object logger = logging.getLogger("aiohttp_ws.ws")
cdef object MESSAGE = WSMessage
cdef object TYPE_PING = WSMsgType.PING
cdef object TYPE_PONG = WSMsgType.PONG
cdef object TYPE_CLOSE = WSMsgType.CLOSE
cdef object TYPE_ERROR = WSMsgType.ERROR


cdef class MessageConnection(MessageSender):
    """A live connection at the message level; made by :func:`open_connection`."""

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
        deflate_options,
    ):
        cdef FrameReader reader = FrameReader(
            server,
            max_message_size=max_msg_size,
            check_utf8=decode_text,
            allow_rsv1=deflate is not None,
        )
        self.loop = loop
        self.server = server
        self.queue = MessageQueue()
        self.max_message_size = max_msg_size
        self.max_queue = max_queue
        self.autoping = autoping
        self.autoclose = autoclose
        self.decode_text = decode_text
        self.close_timeout = close_timeout
        self.heartbeat = heartbeat or 0.0
        self.deflate = deflate
        if deflate is not None:
            self.compress_from = deflate_options.threshold
            contexts = live_contexts(loop)
            self.deflater = MessageDeflater(
                deflate, server, deflate_options.level, deflate_options.mem_level, contexts
            )
            self.inflater = MessageInflater(deflate, server, contexts)
        self.transport = WSProtocol(self, reader)

    def start(self, transport, bytes rest, writer_limit):
        """Take over *transport* behind its opening handshake; *rest* came along with it."""
        self.transport.attach(transport, resources_of(self.loop))
        if writer_limit is not None:
            transport.set_write_buffer_limits(high=writer_limit)
        if self.heartbeat > 0:
            self.last_heard = aws_monotonic()
            self.heartbeat_timer = self.loop.call_later(self.heartbeat, self.on_heartbeat)
        if rest:
            # Also of a transport that is closing: what came before the end is delivered.
            self.transport.feed(rest)
        if not self.transport.reading_paused and not transport.is_closing():
            transport.resume_reading()

    # ---------------------------------------------------------------- receiving

    cdef int deliver(self, WSTransport transport, Frame *frame) except -1:
        if frame.opcode <= OP_BINARY:
            if self.state == OPEN:
                return self._data(frame)
            # RFC 6455 1.4: after our close frame, data is of no use any more.
            return 0
        if frame.opcode == OP_PING:
            if not self.autoping:
                return self.push(
                    TYPE_PING,
                    PyBytes_FromStringAndSize(<char *>frame.payload, frame.size),
                    frame.size,
                )
            if transport.is_close_frame_sent:
                return 0
            if transport.writing_paused:
                # RFC 6455 5.5.3: only the latest ping needs its pong. A peer that pings and
                # does not read must not grow our output.
                self.pending_pong = PyBytes_FromStringAndSize(
                    <char *>frame.payload, frame.size
                )
                return 0
            return transport.put(FIN | OP_PONG, frame.payload, frame.size, None)
        if frame.opcode == OP_PONG:
            if not self.autoping:
                return self.push(
                    TYPE_PONG,
                    PyBytes_FromStringAndSize(<char *>frame.payload, frame.size),
                    frame.size,
                )
            return 0
        return self._close_frame(frame)

    cdef int push(self, object msg_type, object data, Py_ssize_t size) except -1:
        cdef MessageQueue queue = self.queue
        queue.push(aws_new_triple(MESSAGE, msg_type, data, ""), size + MESSAGE_OVERHEAD)
        if queue.cost >= self.max_queue:
            self.transport.pause_reading()
        return 0

    cdef int _close_frame(self, Frame *frame) except -1:
        """RFC 6455 5.5.1: answer a close frame with its own code, then nothing follows."""
        cdef int code = NO_STATUS
        cdef WSTransport transport = self.transport
        reason = ""
        if frame.size >= 2:
            code = frame.payload[0] << 8 | frame.payload[1]
            if not sendable_close_code(code):
                return self.fail(1002, f"close frame with the code {code}, which is never sent")
            try:
                reason = PyUnicode_DecodeUTF8(
                    <const char *>frame.payload + 2, frame.size - 2, NULL
                )
            except UnicodeDecodeError:
                return self.fail(1007, "close frame with a reason that is not UTF-8")
        transport.stop_receiving()
        self.close_reason = reason
        if self.state == CLOSE_SENT:
            self.end(code, None)
            return self.finish_transport()
        data = 0 if code == NO_STATUS else named_close_code(code)
        message = WSMessage(TYPE_CLOSE, data, reason)
        if not self.autoclose:
            self.close_code_value = code
            self.state = CLOSE_RECEIVED
            self.final = message
            self.wake_senders()
            return 0
        self.close_code_value = code
        return self.end_behind_messages(message)

    cdef int batch_end(self, WSTransport transport) except -1:
        if self.heartbeat > 0:
            self.last_heard = aws_monotonic()
            self.ping_outstanding = 0
        if self.waiting and (self.queue.count or self.final is not None or self.state):
            self.waiter.wake()
        return 0

    cdef object take(self):
        """Return the next message; call only where one is at hand."""
        cdef MessageQueue queue = self.queue
        self.has_reader = True
        if queue.count:
            message = queue.pop()
            if self.transport.reading_paused and 2 * queue.cost <= self.max_queue:
                self.last_heard = aws_monotonic()
                self.ping_outstanding = 0
                self.transport.resume_reading()
            return message
        if self.final is not None:
            message, self.final = self.final, None
            if self.state != CLOSE_RECEIVED:
                self.finished = True
            return message
        if self.state == CLOSED:
            self.finished = True
            self.reads_after_end += 1
            if self.server and self.reads_after_end >= 5:
                raise RuntimeError("WebSocket connection is closed.")
            return WS_CLOSED_MESSAGE
        return WS_CLOSING_MESSAGE

    # ------------------------------------------------------------------- ending

    cdef int broken(self, WSTransport transport, int code, object reason) except -1:
        return self.fail(code, reason)

    cdef int user_error(self, WSTransport transport, object exc) except -1:
        logger.error("error in a WebSocket connection", exc_info=exc)
        return self.fail(1011, "internal error")

    cdef int fail(self, int code, object reason) except -1:
        """Fail the connection (RFC 6455 7.1.7): the peer broke the protocol or a limit."""
        error = WebSocketError(named_close_code(code), reason)
        logger.debug("WebSocket connection failed with %d: %s", code, reason)
        self.transport.stop_receiving()
        if self.state == CLOSED or self.ending is not None:
            return 0
        return self.end_behind_messages(error)

    cdef int end_behind_messages(self, object ending) except -1:
        """End the connection for *ending*, a WebSocketError or the peer's close message.

        Messages that came before it can still be answered: the close frame leaves when the
        reader has taken them all, or after a second if it does not.
        """
        self.ending = ending
        if self.state == OPEN and self.queue.count:
            self.ending_timer = self.loop.call_later(
                min(self.close_timeout or ANSWERS_WITHIN, ANSWERS_WITHIN), self.end_now
            )
        else:
            self.end_now()
        return 0

    def end_now(self):
        """Do what :meth:`end_behind_messages` put off."""
        cdef WSTransport transport = self.transport
        cdef int code
        ending, self.ending = self.ending, None
        if ending is None or self.state == CLOSED:
            return
        if isinstance(ending, WebSocketError):
            transport.put_close(ending.code, str(ending).encode())
            self.exception_value = ending
            self.end(ending.code, WSMessage(TYPE_ERROR, ending, None))
            self.linger()
        else:
            code = self.close_code_value
            transport.put_close(0 if code == NO_STATUS else code, b"")
            self.end(code, ending)
            self.finish_transport()

    cdef int end(self, int code, object final) except -1:
        """The closing handshake is over; whoever waits learns of it."""
        self.state = CLOSED
        self.close_code_value = code
        if final is not None:
            self.final = final
        if self.heartbeat_timer is not None:
            self.heartbeat_timer.cancel()
            self.heartbeat_timer = None
        if self.ending_timer is not None:
            self.ending_timer.cancel()
            self.ending_timer = None
        self._drop_parts()
        if self.inflater is not None:
            self.deflater.release()
            self.inflater.release()
            self.deflater = self.inflater = None
        waiters, self.closed_waiters = self.closed_waiters, None
        if waiters is not None:
            for future in waiters:
                if not future.done():
                    future.set_result(None)
        self.wake_senders()
        if self.waiting and not self.transport.in_batch:
            self.waiter.wake_soon()
        return 0

    cdef int finish_transport(self) except -1:
        """RFC 6455 7.1.1: the server closes TCP first; a client gives it time to."""
        cdef WSTransport transport = self.transport
        if transport.is_disconnected:
            return 0
        if not self.server:
            transport.resume_reading()
            self.abort_later()
            return 0
        transport.disconnect()
        if transport.underlying_transport.get_write_buffer_size():
            # A peer that does not read would keep the connection for ever.
            self.abort_later()
        return 0

    cdef int linger(self) except -1:
        """Close towards a peer that may still be sending, for at most ``close_timeout``."""
        if self.transport.linger():
            self.abort_later()
        return 0

    def abort_later(self):
        """Drop the connection if the peer does not end it within ``close_timeout``."""
        if self.close_timer is None and self.close_timeout:
            self.close_timer = self.loop.call_later(
                self.close_timeout, self.abort
            )

    cdef int lost(self, WSTransport transport, object exc) except -1:
        if self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = None
        if self.ending is not None:
            self.end_now()
        elif self.state == CLOSE_RECEIVED:
            self.end(self.close_code_value, None)
        elif self.state != CLOSED:
            # RFC 6455 7.1.5: gone without a close frame.
            if exc is not None and self.exception_value is None:
                self.exception_value = exc
            self.end(ABNORMAL, WS_CLOSED_MESSAGE if self.final is None else None)
        waiters, self.lost_waiters = self.lost_waiters, None
        if waiters is not None:
            for future in waiters:
                if not future.done():
                    future.set_result(None)
        return 0

    def on_heartbeat(self):
        """Ping a quiet peer; give up on one that stays quiet (RFC 6455 5.5.2)."""
        cdef WSTransport transport = self.transport
        cdef double quiet
        self.heartbeat_timer = None
        if self.state == CLOSED or self.ending is not None:
            return
        if self.ping_outstanding == 1:
            # The pong's time passes in two halves. A loop that was blocked wakes too late from
            # one and still has the other, to read the pong that may be in the socket already.
            self.ping_outstanding = 2
            self.heartbeat_timer = self.loop.call_later(self.heartbeat / 4, self.on_heartbeat)
            return
        quiet = aws_monotonic() - self.last_heard
        if self.ping_outstanding and (
            # While reading is paused a pong cannot be seen: our own back-pressure is no fault
            # of the peer, unless its TCP is silent too.
            not transport.reading_paused
            or tcp_is_silent(transport.underlying_transport, self.heartbeat / 2)
        ):
            error = ServerTimeoutError(
                f"no pong within {self.heartbeat / 2:g} s of a ping (heartbeat={self.heartbeat:g})"
            )
            self.exception_value = error
            transport.stop_receiving()
            self.finished = True  # no word of the peer's is left to wait for
            self.end(ABNORMAL, WSMessage(TYPE_ERROR, error, None))
            transport.disconnect(False)
            return
        delay = self.heartbeat - quiet
        if delay <= 0.0005:
            if not transport.is_close_frame_sent and not transport.writing_paused:
                transport.put(FIN | OP_PING, NULL, 0, None)
            self.ping_outstanding = 1
            delay = self.heartbeat / 4
        self.heartbeat_timer = self.loop.call_later(delay, self.on_heartbeat)

    async def close(self, code, message, bint drain):
        """Begin the closing handshake and see it through; return whether this call did."""
        cdef WSTransport transport = self.transport
        code, reason = check_close(code, message)
        if self.ending is not None:
            self.end_now()
        if self.state == CLOSED or transport.is_close_frame_sent:
            first = False
        else:
            first = True
            transport.put_close(code, reason)
        if self.state == CLOSE_RECEIVED:
            self.final = None
            self.end(self.close_code_value, None)
            self.finish_transport()
        elif self.state == OPEN:
            self.state = CLOSE_SENT
            self.close_code_value = code
            self.queue.clear()
            self._drop_parts()
            self.wake_senders()
            if self.waiting:
                self.waiter.wake_soon()
            transport.resume_reading()
        if self.state == CLOSE_SENT:
            await self._wait_closed(drain)
        self.finished = True
        if not self.server and not transport.is_disconnected:
            await self._wait_lost()
        return first

    async def _wait_closed(self, bint drain):
        """Wait for the peer's close frame, at most ``close_timeout`` seconds."""
        future = self.loop.create_future()
        if self.closed_waiters is None:
            self.closed_waiters = []
        self.closed_waiters.append(future)
        try:
            async with timeout_scope(self.close_timeout or None):
                await future
        except asyncio.TimeoutError as exc:
            if self.state != CLOSED:
                self.exception_value = exc
                self.end(ABNORMAL, None)
                self.transport.disconnect(False)
        except asyncio.CancelledError:
            if self.state != CLOSED:
                self.end(ABNORMAL, None)
                self.transport.disconnect(False)
            raise

    async def _wait_lost(self):
        """Wait until the server has closed TCP; abort_later() sees that it ends."""
        self.abort_later()
        future = self.loop.create_future()
        if self.lost_waiters is None:
            self.lost_waiters = []
        self.lost_waiters.append(future)
        try:
            await future
        except asyncio.CancelledError:
            self.transport.disconnect(False)
            raise

    @property
    def closed(self):
        """Whether the end has come, and no message waits before it.

        Whoever reads gets the message that tells of the end before this is true: a loop of
        ``while not closed`` around ``receive()`` misses nothing.
        """
        return self.finished or (
            self.state == CLOSED
            and self.queue.count == 0
            and (self.final is None or not self.has_reader)
        )

    @property
    def queued_bytes(self):
        """What the unreceived messages hold, about: payload and an overhead for each."""
        return self.queue.cost

    def when_lost(self, callback):
        """Call *callback* with connection_lost's argument when TCP is gone."""
        if self.transport.is_disconnected:
            self.loop.call_soon(callback, None)
        else:
            self.transport.lost_callback = callback

    def abort(self):
        """Drop the connection at once."""
        self.transport.disconnect(False)
