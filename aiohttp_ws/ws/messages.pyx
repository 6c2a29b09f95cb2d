"""The message level: one compiled listener between frames and coroutines.

:class:`MessageConnection` assembles, inflates and queues messages, and runs everything
that must not wait for the application: pongs, the heartbeat, the closing handshake
(RFC 6455 5.5, 7). :class:`MessageStream` is what servers and clients show of it.
"""

import asyncio
import json
import logging
import sys

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport (
    PyBytes_AS_STRING,
    PyBytes_Check,
    PyBytes_FromStringAndSize,
    PyBytes_GET_SIZE,
)
from cpython.memoryview cimport PyMemoryView_FromMemory
from cpython.ref cimport Py_INCREF, Py_XDECREF
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memset

from aiohttp_ws.wire.frames cimport (
    FIN,
    OP_BINARY,
    OP_CLOSE,
    OP_CONTINUATION,
    OP_PING,
    OP_PONG,
    OP_TEXT,
    RSV1,
    FrameReader,
    aws_utf8_complete,
    utf8_feed,
)
from aiohttp_ws.ws.loop cimport DONE, Failed, make_sendable, resources_of

from aiohttp_ws.errors import (
    ClientConnectionResetError,
    ServerTimeoutError,
    WebSocketError,
    WSMessageTypeError,
)
from aiohttp_ws.wire.deflate import DeflateOptions, MessageDeflater, MessageInflater
from aiohttp_ws.ws.liveness import tcp_is_silent
from aiohttp_ws.ws.transport import WSProtocol, check_control
from aiohttp_ws.ws.types import (
    WS_CLOSED_MESSAGE,
    WS_CLOSING_MESSAGE,
    WSCloseCode,
    WSMessage,
    WSMsgType,
)

if sys.version_info >= (3, 11):
    from asyncio import timeout as timeout_scope
else:
    from async_timeout import timeout as timeout_scope

cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL
    bint PyUnicode_Check(object o)

cdef extern from "awaitable.h" nogil:
    double aws_monotonic()

cdef extern from "awaitable.h":
    object aws_new_triple(object type, object a, object b, object c)

cdef enum:
    # What a queued message costs besides its payload: a flood of empty ones must fill
    # the queue too.
    MESSAGE_OVERHEAD = 128
    NO_STATUS = 1005
    ABNORMAL = 1006

cdef object logger = logging.getLogger("aiohttp_ws.ws")
cdef object MESSAGE = WSMessage
cdef object TYPE_TEXT = WSMsgType.TEXT
cdef object TYPE_BINARY = WSMsgType.BINARY
cdef object TYPE_PING = WSMsgType.PING
cdef object TYPE_PONG = WSMsgType.PONG
cdef object TYPE_CLOSE = WSMsgType.CLOSE
cdef object TYPE_ERROR = WSMsgType.ERROR
cdef frozenset ENDS = frozenset({WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED})
cdef object json_loads = json.loads


cdef inline bint sendable_close_code(int code) noexcept:
    """RFC 6455 7.4 and the IANA registry: what may stand in a close frame."""
    return (
        1000 <= code <= 1003
        or 1007 <= code <= 1014
        or 3000 <= code <= 4999
    )


cdef object named_close_code(int code):
    try:
        return WSCloseCode(code)
    except ValueError:
        return code


cdef class MessageQueue:
    def __cinit__(self):
        self.items = self.first
        self.capacity = QUEUE_INLINE

    def __dealloc__(self):
        self.clear()

    cdef int push(self, object message, Py_ssize_t cost) except -1:
        cdef Queued *larger
        cdef Queued *slot
        cdef Py_ssize_t i
        if self.count == self.capacity:
            larger = <Queued *>malloc(2 * self.capacity * sizeof(Queued))
            if larger == NULL:
                raise MemoryError("no memory for the receive queue")
            for i in range(self.count):
                larger[i] = self.items[(self.head + i) % self.capacity]
            if self.items != self.first:
                free(self.items)
            self.items = larger
            self.capacity *= 2
            self.head = 0
        slot = &self.items[(self.head + self.count) % self.capacity]
        Py_INCREF(message)
        slot.message = <PyObject *>message
        slot.cost = cost
        self.count += 1
        self.cost += cost
        return 0

    cdef object pop(self):
        cdef Queued *slot = &self.items[self.head]
        message = <object>slot.message
        self.cost -= slot.cost
        Py_XDECREF(slot.message)
        self.count -= 1
        self.head += 1
        if self.head == self.capacity:
            self.head = 0
        if self.count == 0:
            self.head = 0
            if self.capacity > 64:
                self.clear()
        return message

    cdef void clear(self) noexcept:
        while self.count:
            self.count -= 1
            Py_XDECREF(self.items[(self.head + self.count) % self.capacity].message)
        if self.items != self.first:
            free(self.items)
            self.items = self.first
            self.capacity = QUEUE_INLINE
        self.head = 0
        self.cost = 0


cdef class MessageConnection(WSListener):
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
            self.deflater = MessageDeflater(
                deflate, server, level=deflate_options.level, mem_level=deflate_options.mem_level
            )
            self.inflater = MessageInflater(deflate, server)
        self.transport = WSProtocol(self, reader)

    def __dealloc__(self):
        free(self.parts)

    def start(self, transport, bytes rest, writer_limit):
        """Take over *transport* behind its opening handshake; *rest* came along with it."""
        if writer_limit is not None:
            transport.set_write_buffer_limits(high=writer_limit)
        self.transport.attach(transport, resources_of(self.loop))
        if transport.is_closing():
            # It went while the handshake was under way.
            self.end(ABNORMAL, WS_CLOSED_MESSAGE)
            return
        if self.heartbeat > 0:
            self.last_heard = aws_monotonic()
            self.heartbeat_timer = self.loop.call_later(self.heartbeat, self.on_heartbeat)
        if rest:
            self.transport.feed(rest)
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

    cdef int _data(self, Frame *frame) except -1:
        cdef bint last = frame.flags & FIN
        if frame.compressed:
            return self._inflate(frame, last)
        if frame.opcode == OP_CONTINUATION or not last:
            self._keep_part(frame.payload, frame.size)
            if last:
                self._finish_message(frame.message_opcode, self.parts, self.parts_used)
                self._drop_parts()
            return 0
        return self._finish_message(frame.opcode, frame.payload, frame.size)

    cdef int _inflate(self, Frame *frame, bint last) except -1:
        """RFC 7692 7.2.2, a fragment at a time: a bomb stops at the message limit."""
        cdef bytes piece
        cdef Py_ssize_t limit = self.max_message_size
        if limit:
            # 0 would mean no limit; the inflater refuses the first byte beyond it.
            limit = max(1, limit - self.parts_used)
        view = PyMemoryView_FromMemory(<char *>frame.payload, frame.size, 0x100)
        try:
            piece = self.inflater.inflate(view, last, limit)
        except WebSocketError as exc:
            return self.fail(exc.code, str(exc))
        if limit and self.parts_used + PyBytes_GET_SIZE(piece) > self.max_message_size:
            return self.fail(
                1009,
                f"message inflates beyond max_msg_size={self.max_message_size};"
                " raise max_msg_size to accept it",
            )
        if last and self.parts_used == 0:
            return self._finish_message(
                frame.message_opcode,
                <const uint8_t *>PyBytes_AS_STRING(piece),
                PyBytes_GET_SIZE(piece),
            )
        if frame.message_opcode == OP_TEXT and self.decode_text:
            if utf8_feed(
                &self.utf8, <const uint8_t *>PyBytes_AS_STRING(piece), PyBytes_GET_SIZE(piece)
            ) != <size_t>PyBytes_GET_SIZE(piece):
                return self.fail(1007, "text message that is not UTF-8")
        self._keep_part(<const uint8_t *>PyBytes_AS_STRING(piece), PyBytes_GET_SIZE(piece))
        if last:
            self._finish_message(frame.message_opcode, self.parts, self.parts_used)
            self._drop_parts()
        return 0

    cdef int _keep_part(self, const uint8_t *data, Py_ssize_t size) except -1:
        cdef Py_ssize_t capacity = self.parts_capacity
        cdef uint8_t *larger
        if self.parts_used + size > capacity:
            capacity = max(2 * capacity, self.parts_used + size, 256)
            larger = <uint8_t *>realloc(self.parts, capacity)
            if larger == NULL:
                raise MemoryError(f"no memory for a message of {self.parts_used + size} bytes")
            self.parts = larger
            self.parts_capacity = capacity
        memcpy(self.parts + self.parts_used, data, size)
        self.parts_used += size
        return 0

    cdef int _drop_parts(self) except -1:
        free(self.parts)
        self.parts = NULL
        self.parts_used = self.parts_capacity = 0
        memset(&self.utf8, 0, sizeof(aws_utf8))
        return 0

    cdef int _finish_message(
        self, uint8_t opcode, const uint8_t *data, Py_ssize_t size
    ) except -1:
        if opcode == OP_TEXT:
            if self.decode_text:
                try:
                    payload = PyUnicode_DecodeUTF8(<const char *>data, size, NULL)
                except UnicodeDecodeError as exc:
                    return self.fail(1007, f"text message that is not UTF-8: {exc.reason}")
            else:
                payload = PyBytes_FromStringAndSize(<const char *>data, size)
            return self.push(TYPE_TEXT, payload, size)
        return self.push(
            TYPE_BINARY, PyBytes_FromStringAndSize(<const char *>data, size), size
        )

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
        transport.put_close(0 if code == NO_STATUS else code, b"")
        self.end(code, message)
        return self.finish_transport()

    cdef int batch_end(self, WSTransport transport) except -1:
        if self.heartbeat > 0:
            self.last_heard = aws_monotonic()
            self.ping_outstanding = False
        if self.waiting and (self.queue.count or self.final is not None or self.state):
            self.waiter.wake()
        return 0

    cdef int wake_reader(self) except -1:
        if self.waiting:
            self.waiter.wake_soon()
        return 0

    cdef object take(self):
        """Return the next message; call only where one is at hand."""
        cdef MessageQueue queue = self.queue
        if queue.count:
            message = queue.pop()
            if self.transport.reading_paused and 2 * queue.cost <= self.max_queue:
                self.last_heard = aws_monotonic()
                self.ping_outstanding = False
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
        cdef WSTransport transport = self.transport
        error = WebSocketError(named_close_code(code), reason)
        logger.debug("WebSocket connection failed with %d: %s", code, reason)
        transport.stop_receiving()
        if self.state == CLOSED:
            return 0
        transport.put_close(code, reason.encode())
        self.exception_value = error
        self.end(code, WSMessage(TYPE_ERROR, error, None))
        return self.linger()

    cdef int end(self, int code, object final) except -1:
        """The closing handshake is over; whoever waits learns of it."""
        self.state = CLOSED
        self.close_code_value = code
        if final is not None:
            self.final = final
        if self.heartbeat_timer is not None:
            self.heartbeat_timer.cancel()
            self.heartbeat_timer = None
        self._drop_parts()
        self.deflater = self.inflater = None
        waiters, self.closed_waiters = self.closed_waiters, None
        if waiters is not None:
            for future in waiters:
                if not future.done():
                    future.set_result(None)
        self.wake_senders()
        if not self.transport.in_batch:
            self.wake_reader()
        return 0

    def wake_senders(self):
        """Senders that wait for room learn that nothing can be sent any more."""
        waiters, self.drain_waiters = self.drain_waiters, None
        if waiters is not None:
            for future in waiters:
                if not future.done():
                    future.set_result(None)

    cdef int finish_transport(self) except -1:
        """RFC 6455 7.1.1: the server closes TCP first; a client gives it time to."""
        cdef WSTransport transport = self.transport
        if transport.is_disconnected:
            return 0
        if self.server:
            transport.disconnect()
        else:
            transport.resume_reading()
            self.abort_later()
        return 0

    cdef int linger(self) except -1:
        """Close towards a peer that may still be sending.

        A socket closed with unread input resets the connection, and the close frame may be
        lost with it: so end our side only, and drop what comes until the peer ends its own.
        """
        cdef WSTransport transport = self.transport
        if transport.is_disconnected:
            return 0
        transport.flush()
        if transport.underlying_transport.can_write_eof():
            transport.underlying_transport.write_eof()
            transport.resume_reading()
            self.abort_later()
        else:
            transport.disconnect()
        return 0

    def abort_later(self):
        """Drop the connection if the peer does not end it within ``close_timeout``."""
        if self.close_timer is None:
            self.close_timer = self.loop.call_later(
                self.close_timeout, self.transport.disconnect, False
            )

    cdef int lost(self, WSTransport transport, object exc) except -1:
        if self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = None
        if self.state == CLOSE_RECEIVED:
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
        if self.state == CLOSED:
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
            self.end(ABNORMAL, WSMessage(TYPE_ERROR, error, None))
            transport.disconnect(False)
            return
        delay = self.heartbeat - quiet
        if delay <= 0.0005:
            if not transport.is_close_frame_sent and not transport.writing_paused:
                transport.put(FIN | OP_PING, NULL, 0, None)
            self.ping_outstanding = True
            delay = self.heartbeat / 2
        self.heartbeat_timer = self.loop.call_later(delay, self.on_heartbeat)

    async def close(self, code, message, bint drain):
        """Begin the closing handshake and see it through; return whether this call did."""
        cdef WSTransport transport = self.transport
        code, reason = check_close(code, message)
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
            self.queue.clear()
            self._drop_parts()
            self.wake_senders()
            self.wake_reader()
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
            async with timeout_scope(self.close_timeout):
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
        """Whether the end has come, and no message waits before it."""
        return self.finished or (self.state == CLOSED and self.queue.count == 0)

    @property
    def queued_bytes(self):
        """What the unreceived messages hold, about: payload and an overhead for each."""
        return self.queue.cost

    @property
    def is_lost(self):
        """Whether the TCP connection is gone."""
        return self.transport.is_disconnected

    def when_lost(self, callback):
        """Call *callback* with connection_lost's argument when TCP is gone."""
        if self.transport.is_disconnected:
            self.loop.call_soon(callback, None)
        else:
            self.transport.lost_callback = callback

    def abort(self):
        """Drop the connection at once."""
        self.transport.disconnect(False)

    # ------------------------------------------------------------------ sending

    cpdef resume_writing(self):
        if self.pending_pong is not None:
            pong, self.pending_pong = self.pending_pong, None
            self.send_control(OP_PONG, pong)
        self.wake_senders()

    cdef object drained(self):
        """What a send returns: nothing to wait for, unless output piles up."""
        cdef Drain drain
        if not self.transport.writing_paused:
            return DONE
        drain = Drain.__new__(Drain)
        drain.connection = self
        return drain

    cdef object send_message(
        self, uint8_t opcode, const uint8_t *data, Py_ssize_t size, object owner, object compress
    ):
        cdef WSTransport transport = self.transport
        cdef bytes squeezed
        if self.state != OPEN:
            return Failed(closing_error())
        if self.deflater is not None and (
            size >= self.compress_from if compress is None else compress
        ):
            squeezed = self.deflater.compress(
                PyMemoryView_FromMemory(<char *>data, size, 0x100)
            )
            transport.put(
                FIN | RSV1 | opcode,
                <const uint8_t *>PyBytes_AS_STRING(squeezed),
                PyBytes_GET_SIZE(squeezed),
                squeezed,
            )
        else:
            transport.put(FIN | opcode, data, size, owner)
        return self.drained()

    cdef object send_text(self, object text, object compress):
        cdef Py_ssize_t size
        cdef const char *data
        if not PyUnicode_Check(text):
            return Failed(TypeError(f"data argument must be str ({type(text)!r})"))
        try:
            data = PyUnicode_AsUTF8AndSize(text, &size)
        except UnicodeEncodeError as exc:
            return Failed(exc)
        return self.send_message(OP_TEXT, <const uint8_t *>data, size, text, compress)

    cdef object send_buffer(self, uint8_t opcode, object data, object compress):
        cdef Py_buffer view
        if PyBytes_Check(data):
            return self.send_message(
                opcode,
                <const uint8_t *>PyBytes_AS_STRING(data),
                PyBytes_GET_SIZE(data),
                data,
                compress,
            )
        if not isinstance(data, (bytearray, memoryview)):
            return Failed(TypeError(f"data argument must be byte-ish ({type(data)!r})"))
        if isinstance(data, memoryview) and not data.c_contiguous:
            data = bytes(data)
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            return self.send_message(
                opcode, <const uint8_t *>view.buf, view.len, None, compress
            )
        finally:
            PyBuffer_Release(&view)

    cdef object send_control(self, uint8_t opcode, object payload):
        if self.state != OPEN and self.state != CLOSE_RECEIVED:
            return Failed(closing_error())
        try:
            payload = bytes(check_control(payload))
        except (TypeError, ValueError) as exc:
            return Failed(exc)
        self.transport.put(
            FIN | opcode,
            <const uint8_t *>PyBytes_AS_STRING(payload),
            PyBytes_GET_SIZE(payload),
            payload,
        )
        return self.drained()


cdef object closing_error():
    return ClientConnectionResetError("Cannot write to closing transport")


def check_close(code, message):
    """Return *code* and *message* as a close frame can carry them (RFC 6455 5.5.1, 7.4)."""
    if isinstance(message, str):
        message = message.encode()
    message = bytes(message or b"")
    if not isinstance(code, int):
        raise TypeError(f"close code must be int, not {type(code).__name__}")
    if not sendable_close_code(code):
        raise ValueError(
            f"close code {int(code)} cannot be sent; use 1000-1003, 1007-1014 or 3000-4999"
            " (RFC 6455 7.4)"
        )
    if len(message) > 123:
        raise ValueError(
            f"close message of {len(message)} bytes exceeds 123 (RFC 6455 5.5); shorten it"
        )
    return int(code), message


cdef class Receive(Awaitable):
    """One ``receive()``: a queued message at once, or a wait for the next."""

    cdef object advance(self, bint *finished):
        cdef MessageConnection connection = self.connection
        if self.suspended:
            self.suspended = False
            connection.waiting = False
        elif connection.waiting:
            raise RuntimeError("Concurrent call to receive() is not allowed")
        if connection.queue.count or connection.final is not None or connection.state:
            finished[0] = True
            message = connection.take()
            if self.want == ANY:
                return message
            return self.fit(message)
        if connection.transport.out_used:
            # Nothing more is coming from this task until the peer has spoken.
            connection.transport.flush()
        if connection.waiter is None:
            connection.waiter = Waiter(connection.loop)
        connection.waiter.arm()
        connection.waiting = True
        self.suspended = True
        return connection.waiter

    cdef object fit(self, object message):
        """Hold *message* against what was asked for."""
        msg_type, data, _ = message
        if self.want == NEXT:
            if msg_type is TYPE_TEXT or msg_type is TYPE_BINARY:
                return message
            if msg_type in ENDS:
                raise StopAsyncIteration
            return message
        if self.want == BINARY:
            if msg_type is not TYPE_BINARY:
                raise WSMessageTypeError(
                    f"Received message {msg_type}:{data!r} is not WSMsgType.BINARY"
                )
            return data
        if msg_type is not TYPE_TEXT:
            raise WSMessageTypeError(
                f"Received message {msg_type}:{data!r} is not WSMsgType.TEXT"
            )
        return data if self.want == TEXT else self.loads(data)

    cdef int drop(self) except -1:
        if self.suspended:
            self.suspended = False
            self.connection.waiting = False
        return 0


cdef class Drain(Awaitable):
    """A send that waits until the output has drained below the high-water mark."""

    cdef object advance(self, bint *finished):
        cdef MessageConnection connection = self.connection
        if self.future is not None:
            if not self.future.done():
                raise RuntimeError("a send was resumed before its output had drained")
            self.future = None
        if connection.state == CLOSED or connection.transport.is_disconnected:
            raise closing_error()
        if connection.state == OPEN and connection.transport.writing_paused:
            self.future = connection.loop.create_future()
            if connection.drain_waiters is None:
                connection.drain_waiters = []
            connection.drain_waiters.append(self.future)
            self.future._asyncio_future_blocking = True
            return self.future
        finished[0] = True
        return None


make_sendable(Receive)
make_sendable(Drain)


cdef class MessageStream:
    """Reads and writes messages; what ``WebSocketResponse`` and its client twin share.

    Every method that aiohttp makes a coroutine returns an awaitable here. A send is done
    when the call returns, in order; awaiting it waits while output piles up.
    """

    def _attach(self, MessageConnection connection, receive_timeout):
        self._connection = connection
        self._receive_timeout = receive_timeout

    @property
    def closed(self):
        """Whether the connection is closed and every message before the end was received."""
        return self._connection is not None and self._connection.closed

    @property
    def _ended(self):
        """Whether the closing handshake is over; TCP is then ended by the connection itself."""
        return self._connection is not None and self._connection.state == CLOSED

    @property
    def close_code(self):
        """The close code, ``None`` while the connection is open.

        It is the peer's; 1005 where its close frame had none, 1006 where the connection ended
        without one (RFC 6455 7.1.5); ours where the peer broke the protocol.
        """
        if self._connection is None or self._connection.close_code_value == 0:
            return None
        return named_close_code(self._connection.close_code_value)

    @property
    def _close_reason(self):
        return None if self._connection is None else self._connection.close_reason

    def exception(self):
        """Return what ended the connection abnormally, or ``None``."""
        return None if self._connection is None else self._connection.exception_value

    def get_extra_info(self, name, default=None):
        """Return what the transport knows of *name*, such as ``peername``."""
        if self._connection is None:
            return default
        return self._connection.transport.underlying_transport.get_extra_info(name, default)

    def send_str(self, data, compress=None):
        """Send *data* as a text message.

        :param compress: ``None`` as negotiated and by size; ``False`` or 0 sends this message
            uncompressed.
        :raises TypeError: *data* is not ``str``.
        :raises ConnectionResetError: the connection is closed or closing.
        """
        if self._connection is None:
            return Failed(not_prepared())
        return self._connection.send_text(data, compress)

    def send_bytes(self, data, compress=None):
        """Send *data*, bytes-like, as a binary message; otherwise as :meth:`send_str`."""
        if self._connection is None:
            return Failed(not_prepared())
        return self._connection.send_buffer(OP_BINARY, data, compress)

    def send_json(self, data, compress=None, *, dumps=json.dumps):
        """Send *data*, encoded by *dumps*, as a text message."""
        if self._connection is None:
            return Failed(not_prepared())
        try:
            text = dumps(data)
        except Exception as exc:
            return Failed(exc)
        return self._connection.send_text(text, compress)

    def send_json_bytes(self, data, compress=None, *, dumps):
        """Send *data* as a binary message; *dumps* returns it encoded, as orjson's does."""
        if self._connection is None:
            return Failed(not_prepared())
        try:
            encoded = dumps(data)
        except Exception as exc:
            return Failed(exc)
        return self._connection.send_buffer(OP_BINARY, encoded, compress)

    def send_frame(self, message, opcode, compress=None):
        """Send *message*, bytes-like, as one frame of type *opcode*."""
        if self._connection is None:
            return Failed(not_prepared())
        if opcode == OP_TEXT or opcode == OP_BINARY:
            return self._connection.send_buffer(opcode, message, compress)
        if opcode == OP_PING or opcode == OP_PONG:
            return self._connection.send_control(opcode, message)
        return Failed(
            ValueError(f"opcode {opcode!r} cannot be sent here; use TEXT, BINARY, PING or PONG")
        )

    def ping(self, message=b""):
        """Send a ping with *message*, at most 125 bytes."""
        if self._connection is None:
            return Failed(not_prepared())
        return self._connection.send_control(OP_PING, message)

    def pong(self, message=b""):
        """Send an unasked-for pong with *message*, at most 125 bytes."""
        if self._connection is None:
            return Failed(not_prepared())
        return self._connection.send_control(OP_PONG, message)

    cdef object _receive(self, Want want, object loads, object timeout):
        cdef Receive operation
        if self._connection is None:
            return Failed(not_prepared())
        operation = Receive.__new__(Receive)
        operation.connection = self._connection
        operation.want = want
        operation.loads = loads
        if timeout is None:
            timeout = self._receive_timeout
        if timeout is None:
            return operation
        return within(timeout, operation)

    def receive(self, timeout=None):
        """Return the next :class:`WSMessage`.

        :param timeout: seconds; ``None`` for the connection's ``receive_timeout``.
        :raises asyncio.TimeoutError: no message came in time.
        :raises RuntimeError: another task is receiving already.
        """
        return self._receive(ANY, None, timeout)

    def receive_str(self, *, timeout=None):
        """Return the next message's text; WSMessageTypeError when it is no text."""
        return self._receive(TEXT, None, timeout)

    def receive_bytes(self, *, timeout=None):
        """Return the next message's bytes; WSMessageTypeError when it is not binary."""
        return self._receive(BINARY, None, timeout)

    def receive_json(self, *, loads=json.loads, timeout=None):
        """Return the next text message decoded by *loads*."""
        return self._receive(JSON, loads, timeout)

    def __aiter__(self):
        return self

    def __anext__(self):
        return self._receive(NEXT, None, None)


cdef object not_prepared():
    return RuntimeError("Call .prepare() first")


async def within(timeout, operation):
    """Await *operation* for at most *timeout* seconds."""
    async with timeout_scope(timeout):
        return await operation


def open_connection(
    transport,
    loop,
    *,
    server,
    rest=b"",
    max_msg_size=4 * 1024 * 1024,
    max_queue=256 * 1024,
    autoping=True,
    autoclose=True,
    decode_text=True,
    heartbeat=None,
    close_timeout=10.0,
    writer_limit=None,
    deflate=None,
    deflate_options=None,
):
    """Begin a connection at the message level, behind its opening handshake.

    :param transport: the asyncio transport; it belongs to the connection from here on.
    :param server: this end is the server.
    :param rest: bytes that came behind the opening handshake.
    :param max_msg_size: bytes a message may have, inflated; 0 for no limit.
    :param max_queue: bytes of unreceived messages at which the socket is no longer read.
    :param heartbeat: seconds of silence after which a ping is sent; the peer has half as
        long to answer. ``None`` for no heartbeat.
    :param close_timeout: seconds the peer has for its part of the closing handshake.
    :param writer_limit: bytes of unsent output at which ``send_*`` waits; ``None`` leaves the
        transport's own.
    :param deflate: the :class:`DeflateParams` agreed on, or ``None``.
    :param deflate_options: the :class:`DeflateOptions` of this end.
    :return: the :class:`MessageConnection`.
    """
    if max_msg_size < 0:
        raise ValueError(f"max_msg_size={max_msg_size} is negative; 0 stands for no limit")
    connection = MessageConnection(
        loop,
        server=server,
        max_msg_size=max_msg_size,
        max_queue=max_queue,
        autoping=autoping,
        autoclose=autoclose,
        decode_text=decode_text,
        heartbeat=heartbeat,
        close_timeout=close_timeout,
        deflate=deflate,
        deflate_options=deflate_options or DeflateOptions(),
    )
    connection.start(transport, rest, writer_limit)
    return connection
