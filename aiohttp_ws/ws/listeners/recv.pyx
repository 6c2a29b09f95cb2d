"""Messages as websockets' interface wants them: pulled by ``recv()``.

It differs from :class:`~aiohttp_ws.ws.listeners.receive.MessageConnection` where the two interfaces
differ: a close frame is answered at once, messages before it can be received afterwards, and
waiters learn of the end when TCP has ended.
"""

import asyncio

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t

from aiohttp_ws.net.awaitables cimport make_sendable, own, show_as_coroutine_functions
from aiohttp_ws.net.loop cimport resources_of
from aiohttp_ws.wire.closing cimport OPEN
from aiohttp_ws.wire.frames cimport FIN, OP_BINARY, OP_PING, OP_TEXT, Frame, FrameReader
from aiohttp_ws.ws.engine.connection cimport AFTER_MESSAGES, AT_ONCE, Connection
from aiohttp_ws.ws.engine.send_frames cimport is_open
from aiohttp_ws.ws.engine.send_messages cimport drained, put_buffer, put_text
from aiohttp_ws.ws.listeners.queue cimport MessageQueue

from aiohttp_ws.errors.faults import Failure, FaultKind, ProtocolFault
from aiohttp_ws.net.transports import has_ended
from aiohttp_ws.ws.engine.connection import FrameProtocol
from aiohttp_ws.ws.engine.keepalive import Keepalive
from aiohttp_ws.ws.typed_messages import OutgoingMessage, data_of

cdef extern from "Python.h":
    bint PyUnicode_Check(object o)

cdef extern from "aiohttp_ws/net/awaitables.h" nogil:
    double aws_monotonic()


cdef class PullConnection(PullReceiver):
    """A connection that is pulled by ``recv()``; base of both ends of websockets' interface.

    It is made before its opening handshake. A subclass calls :meth:`_configure` when it is made
    and :meth:`_begin` when the handshake is done, and gives :meth:`_closed_error`,
    :meth:`_concurrent_recv`, :meth:`_on_error` and :meth:`_on_lost`.
    """

    def __cinit__(self):
        self.decode_text = True
        self.queue = MessageQueue()

    def _configure(self, loop, bint server, max_queue, close_timeout):
        """Set what holds from the start.

        :param max_queue: frames as ``(high, low)``, or ``None`` for no limit.
        :param close_timeout: seconds, or ``None`` for no limit.
        """
        self.loop = loop
        self.is_server = server
        if max_queue is None:
            self.queue_high = self.queue_low = -1
        else:
            self.queue_high, self.queue_low = max_queue
        self.close_timeout_value = close_timeout or 0.0

    def _begin(self, transport, bytes rest, *, max_size, write_limit, deflate, deflate_options):
        """Take over *transport* after its opening handshake; *rest* came along with it.

        :param max_size: bytes as ``(message, fragment)``, each 0 for no limit.
        :param write_limit: bytes as ``(high, low)``, ``low`` may be ``None``.
        :param deflate: the DeflateParams negotiated, or ``None``.
        :param deflate_options: the DeflateOptions of this end.
        """
        cdef Connection connection
        if self.begun:
            return  # it was lost before the handshake was done, and waiters were told
        self.max_message_size, self.max_fragment_size = max_size
        cdef FrameReader reader = FrameReader(
            self.is_server,
            # A compressed fragment is held to the limit when it is inflated.
            max_frame_size=self.max_fragment_size,
            max_message_size=self.max_message_size,
            check_utf8=True,
            allow_rsv1=deflate is not None,
        )
        self.begun = True
        connection = self.transport = FrameProtocol(self, reader)
        connection.answers = AT_ONCE
        connection.close_timeout = self.close_timeout_value
        connection.attach(transport, resources_of(self.loop))
        connection.use_deflate(deflate, deflate_options)
        if not has_ended(transport):
            high, low = write_limit
            transport.set_write_buffer_limits(high=high, low=low)
        if rest:
            # Also of a transport that is closing: what came before the end is delivered.
            connection.feed(rest)
        if not connection.reading_paused and not has_ended(transport):
            transport.resume_reading()

    @property
    def _begun(self):
        return self.begun

    @property
    def _opened(self):
        """Whether it has ever been open."""
        return self.transport is not None

    @property
    def _deflate(self):
        return self.transport is not None and self.transport.deflater is not None

    # ------------------------------------------------------------------ sending

    def send(self, message, *, text=None, compress=None):
        """Send a message: :class:`str` as text, bytes-like as binary.

        It waits while output piles up beyond ``write_limit``, and for a fragmented message that is
        being sent.

        :param message: an iterable or asynchronous iterable sends each of its items, all of one
            type, as a fragment of one message (RFC 6455 5.4); an OutgoingMessage is sent as it
            says.
        :param text: ``True`` sends bytes, which must be UTF-8, as text; ``False`` sends
            :class:`str` as binary.
        :param compress: ``False`` sends this message as it is; by default permessage-deflate
            decides, where it was negotiated.
        :raises ConnectionClosed: when the connection is closed or closing.
        :raises TypeError: for another type of message, a mapping among them.
        """
        cdef SendData operation
        if not (
            PyUnicode_Check(message)
            or PyBytes_CheckExact(message)
            or isinstance(message, (bytes, bytearray, memoryview, OutgoingMessage))
        ):
            return self._send_fragments(message, text, compress)
        operation = SendData.__new__(SendData)
        operation.name = b"send"
        operation.subject = self
        operation.data = own(message)
        operation.extra = own(text)
        operation.option = own(compress)
        return operation

    def _put_fragment(self, bytes data, bint is_text, bint first, bint last, bint compress):
        """Write a piece of a message."""
        cdef uint8_t head = FIN if last else 0
        if first:
            head |= OP_TEXT if is_text else OP_BINARY
        self.transport.put_message(
            head,
            <const uint8_t *>PyBytes_AS_STRING(data),
            PyBytes_GET_SIZE(data),
            data,
            compress,
        )

    def _put_control(self, uint8_t opcode, bytes payload):
        """Write a ping or a pong."""
        self.transport.put(
            FIN | opcode,
            <const uint8_t *>PyBytes_AS_STRING(payload),
            PyBytes_GET_SIZE(payload),
            payload,
        )

    def _await_pong(self, bytes payload):
        """Send a ping; return the future of its pong, ``None`` while the same is unanswered."""
        if payload is not None and self.transport.pings and payload in self.transport.pings:
            return None
        return self.transport.await_pong(payload)

    def _flush(self):
        """Let what was sent leave now."""
        if self.transport is not None and not self.transport.in_batch:
            self.transport.flush()

    def _feed(self, bytes data):
        """Handle bytes as if the peer had sent them."""
        if data and self.transport is not None:
            self.transport.feed(data)

    def _drained(self):
        """Return what waits until there is room for output."""
        return drained(self, self.transport)

    # ------------------------------------------------------------ keepalive, pings

    def _start_keepalive(self, double interval, reply):
        """Ping every *interval* seconds, and give up *reply* seconds after one, ``None`` for never."""
        if (
            self.transport is not None
            and self.transport.closing.state == OPEN
            and self.transport.keepalive is None
        ):
            self.transport.last_heard = aws_monotonic()
            self.transport.keepalive = Keepalive(
                self.transport, interval, reply, periodic=True, any_input=False
            )

    cdef bint ping_due(self, Connection connection, bint again) except -1:
        if connection.closing.state != OPEN or connection.is_disconnected:
            return False
        if again and connection.pings:
            payload = next(reversed(connection.pings))
            self._put_control(OP_PING, payload)
            self._flush()
            return True
        connection.await_pong(None).add_done_callback(self._answered)
        return True

    def _answered(self, pong):
        if not pong.cancelled() and pong.exception() is None and self.transport.keepalive is not None:
            self.transport.keepalive.answered()

    cdef int unanswered(self, Connection connection, double seconds) except -1:
        connection.fail(Failure(1011, "keepalive ping timeout"))
        connection.flush()
        # What has not left, such a peer will not read; nor will it answer TLS's close_notify.
        return connection.end_tcp(False)

    def acknowledge_pings(self, bytes data):
        """Take a pong with *data*: it acknowledges its ping and all before (RFC 6455 5.5.3)."""
        cdef Frame frame
        if self.transport is not None:
            frame.payload = <uint8_t *>PyBytes_AS_STRING(data)
            frame.size = PyBytes_GET_SIZE(data)
            self.transport.take_pong(&frame)

    def terminate_pending_pings(self):
        """The connection is closed: pings that wait for their pong raise ConnectionClosed."""
        if self.transport is not None:
            self.transport.end_pings(self._closed_error())

    @property
    def latency(self):
        """Seconds between the last ping that was answered and its pong; 0 before the first."""
        return 0.0 if self.transport is None else self.transport.latency

    # ------------------------------------------------------------------- ending

    def _start_closing(self, int code, str reason):
        """Begin the closing handshake, if it has not begun."""
        if self.transport.closing.state == OPEN:
            self.transport.say_close(code, reason.encode())
        elif self.transport.answer_timer is not None:
            self.transport.answer_now()

    def _fail(self, int code, reason):
        """Fail the connection for a fault of this end."""
        if self.transport.closing.state == OPEN:
            self.transport.fail(Failure(code, str(reason)))

    def _abort(self):
        """Drop the connection at once."""
        if self.transport is not None:
            self.transport.cut()

    cdef int faulted(self, Connection connection, object fault) except -1:
        if isinstance(fault, ProtocolFault):
            fault.limit_name = "max_size"
            if fault.kind is not FaultKind.INTERNAL:
                self._set_lost_exc(fault)
                # What came before it can still be answered.
                connection.answers = AFTER_MESSAGES
        return 0

    cdef bint has_unread(self):
        return self.queue.count != 0

    cdef int code_failed(self, Connection connection, object exc) except -1:
        self._on_error(exc)
        return connection.fail(ProtocolFault(FaultKind.INTERNAL))

    cdef object closed_error(self):
        return self._closed_error()

    cdef int lost(self, Connection connection, object exc) except -1:
        self._set_lost_exc(exc)
        if not connection.leftovers:
            self._drop_parts()
        connection.end_pings(self._closed_error())
        self.tell_lost()
        self._on_lost(exc)
        return 0

    def _lost_before_it_began(self, exc):
        """TCP has ended, and the opening handshake was not done."""
        self.begun = True
        self._lost_exc = exc
        self.tell_lost()

    def tell_lost(self):
        """The waiters learn that TCP has ended."""
        if self.waiting:
            self.waiter.wake_soon()
        waiters, self.lost_waiters = self.lost_waiters, None
        if waiters is not None:
            for future in waiters:
                if not future.done():
                    future.set_result(None)

    def _set_lost_exc(self, exc):
        if self._lost_exc is None:
            self._lost_exc = exc

    async def wait_closed(self):
        """Wait until the connection is closed: the closing handshake done and TCP ended."""
        if self.begun and (self.transport is None or self.transport.is_disconnected):
            return
        future = self.loop.create_future()
        if self.lost_waiters is None:
            self.lost_waiters = []
        self.lost_waiters.append(future)
        await future

    async def _refused(self):
        """Raise ConnectionClosed when the connection is closed."""
        if not self.begun:
            raise RuntimeError("the opening handshake is not done yet")
        await self.wait_closed()
        self.refused_sends += 1
        if self.refused_sends > 1:
            await asyncio.sleep(0)  # sending in a loop must not keep the event loop from running
        raise self._closed_error()

    @property
    def _closing(self):
        """Where the closing handshake stands: 0 before it, 1 during, 2 when TCP has ended."""
        if self.transport is None or self.transport.is_disconnected:
            return 2
        return 0 if is_open(self.transport) else 1

    @property
    def _close_frames(self):
        """``(rcvd, sent, rcvd_first)``, the first two ``(code, reason)`` or ``None``."""
        cdef Connection connection = self.transport
        if connection is None:
            return None, None, False
        received, sent = connection.closing.received, connection.closing.sent
        return (
            (received, connection.received_reason or "") if received else None,
            (sent, connection.sent_reason or "") if sent else None,
            bool(connection.closing.peer_first),
        )


show_as_coroutine_functions(PullConnection, ("send",))


cdef class SendData(Operation):
    """One call of ``send()``."""

    cdef object act(self, bint *finished):
        cdef PullConnection stream = <PullConnection>self.subject
        cdef Connection connection = stream.transport
        cdef uint8_t opcode
        data, text, compress = <object>self.data, <object>self.extra, <object>self.option
        if connection is None or not is_open(connection) or connection.is_disconnected:
            return self.go_on(stream._refused(), None, finished)
        if stream._fragmenting is not None:
            return self.go_on(stream._send_after(data, text, compress), None, finished)
        if not (PyUnicode_Check(data) or PyBytes_CheckExact(data)) and isinstance(
            data, OutgoingMessage
        ):
            if text is not None and bool(text) == bool(data.is_binary):
                raise TypeError(f"text={text} contradicts {data!r}")
            if data.skip_compress:
                compress = False
            data = data_of(data)
        if PyUnicode_Check(data):
            opcode = OP_TEXT if text is None or text else OP_BINARY
            put_text(connection, opcode, data, compress)
        else:
            put_buffer(connection, OP_TEXT if text else OP_BINARY, data, compress)
        return self.settle(connection, finished)


make_sendable(SendData)
