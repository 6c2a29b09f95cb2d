"""The message level as websockets' interface wants it: one compiled listener, pulled by recv().

It differs from :class:`~aiohttp_ws.ws.listeners.receive.MessageConnection` where the two interfaces
differ: see :mod:`~aiohttp_ws.ws.listeners.recv_queue`. A close frame is answered at once, messages before it can be received
afterwards, and whoever waits learns of the end when TCP is gone.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport uint8_t

from aiohttp_ws.wire.contexts cimport MessageDeflater, MessageInflater
from aiohttp_ws.wire.frames cimport (
    FIN,
    OP_BINARY,
    OP_TEXT,
    RSV1,
    FrameReader,
)
from aiohttp_ws.wire.frames cimport Frame
from aiohttp_ws.ws.close_codes cimport sendable_close_code
from aiohttp_ws.net.awaitables cimport DONE, Failed, make_sendable
from aiohttp_ws.net.loop cimport resources_of
from aiohttp_ws.ws.listeners.queue cimport MessageQueue
from aiohttp_ws.ws.engine.send_messages cimport CLOSE_SENT, CLOSED, OPEN
from aiohttp_ws.ws.engine.transport cimport WSTransport

from aiohttp_ws.ws.engine.context_pool import live_contexts
from aiohttp_ws.net.tcp_info import tcp_is_silent
from aiohttp_ws.ws.engine.transport import WSProtocol
from aiohttp_ws.ws.typed_messages import OutgoingMessage, data_of

cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL
    bint PyUnicode_Check(object o)

cdef enum:
    NO_STATUS = 1005


cdef class PullConnection(PullReceiver):
    """A connection that is pulled by ``recv()``; base of both ends of websockets' interface.

    It is made before its opening handshake. A subclass calls :meth:`_configure` when it is made
    and :meth:`_begin` when the handshake is done, and gives :meth:`_closed_error`,
    :meth:`_concurrent_recv` and :meth:`_on_lost`.
    """

    def __cinit__(self):
        self.state = CLOSED  # nothing can be sent before the connection has begun
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
        """Take over *transport* behind its opening handshake; *rest* came along with it.

        :param max_size: bytes as ``(message, fragment)``, each 0 for no limit.
        :param write_limit: bytes as ``(high, low)``, ``low`` may be ``None``.
        :param deflate: the DeflateParams agreed on, or ``None``.
        :param deflate_options: the DeflateOptions of this end.
        """
        if self.begun:
            return  # TCP went before the handshake was done, and whoever waits was told
        self.max_message_size, self.max_fragment_size = max_size
        cdef FrameReader reader = FrameReader(
            self.is_server,
            # A compressed fragment is held to the limit when it is inflated.
            max_frame_size=self.max_fragment_size,
            max_message_size=self.max_message_size,
            check_utf8=True,
            allow_rsv1=deflate is not None,
        )
        if deflate is not None:
            self.compress_from = deflate_options.threshold
            contexts = live_contexts(self.loop)
            self.deflater = MessageDeflater(
                deflate, self.is_server, deflate_options.level, deflate_options.mem_level, contexts
            )
            self.inflater = MessageInflater(deflate, self.is_server, contexts)
        self.begun = True
        self.state = OPEN
        self.transport = WSProtocol(self, reader)
        self.transport.attach(transport, resources_of(self.loop))
        if not transport.is_closing():
            high, low = write_limit
            transport.set_write_buffer_limits(high=high, low=low)
        if rest:
            # Also of a transport that is closing: what came before the end is delivered.
            self.transport.feed(rest)
        if not self.transport.reading_paused and not transport.is_closing():
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
        return self.deflater is not None

    # ------------------------------------------------------------------ sending

    def send(self, message, *, text=None, compress=None):
        """Send a message: :class:`str` as text, bytes-like as binary.

        It is sent, in order, when this returns; awaiting it waits while output piles up beyond
        ``write_limit``. Only behind a fragmented message is it the await that sends.

        :param message: an iterable or asynchronous iterable sends each of its items, all of one
            type, as a fragment of one message (RFC 6455 5.4); an OutgoingMessage is sent as it
            says.
        :param text: ``True`` sends bytes, which must be UTF-8, as text; ``False`` sends
            :class:`str` as binary.
        :param compress: ``False`` sends this message as it is; by default permessage-deflate
            decides, where both ends agreed on it.
        :raises ConnectionClosed: when the connection is closed or closing.
        :raises TypeError: for another type of message, a mapping among them.
        """
        if self.state != OPEN:
            if not self.begun:
                return Failed(RuntimeError("the opening handshake is not done yet"))
            return self._refused()
        if PyUnicode_Check(message) or PyBytes_CheckExact(message) or isinstance(
            message, (bytes, bytearray, memoryview)
        ):
            if self._fragmenting is not None:
                return self._send_behind(message, text, compress)
            return self.put_data(message, text, compress)
        if isinstance(message, OutgoingMessage):
            return send_typed(self, message, text, compress)
        return self._send_fragments(message, text, compress)

    cdef object put_data(self, object message, object text, object compress):
        cdef uint8_t opcode
        cdef Py_ssize_t size
        cdef const char *data
        cdef Py_buffer view
        if PyUnicode_Check(message):
            try:
                data = PyUnicode_AsUTF8AndSize(message, &size)
            except UnicodeEncodeError as exc:
                return Failed(exc)
            opcode = OP_TEXT if text is None or text else OP_BINARY
            return self.send_message(opcode, <const uint8_t *>data, size, message, compress)
        opcode = OP_TEXT if text else OP_BINARY
        if PyBytes_CheckExact(message):
            return self.send_message(
                opcode,
                <const uint8_t *>PyBytes_AS_STRING(message),
                PyBytes_GET_SIZE(message),
                message,
                compress,
            )
        if isinstance(message, memoryview) and not message.c_contiguous:
            message = bytes(message)
        PyObject_GetBuffer(message, &view, PyBUF_SIMPLE)
        try:
            return self.send_message(opcode, <const uint8_t *>view.buf, view.len, None, compress)
        finally:
            PyBuffer_Release(&view)

    def _put(self, message, text, compress):
        """Send a whole message now; return what to await."""
        if self.state != OPEN:
            return self._refused()
        return self.put_data(message, text, compress)

    def _put_fragment(self, bytes data, bint is_text, bint first, bint last, bint compress):
        """Send a piece of a message now; return what to await."""
        cdef uint8_t head = (FIN if last else 0)
        cdef WSTransport transport = self.transport
        if self.state != OPEN:
            return self._refused()
        if first:
            head |= OP_TEXT if is_text else OP_BINARY
        transport.in_message = not last
        if compress and self.deflater is not None:
            if first:
                head |= RSV1
            data = self.deflater.compress_memory(
                <const uint8_t *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), last
            )
        transport.put(
            head, <const uint8_t *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), data
        )
        return self.drained()

    def _put_control(self, uint8_t opcode, bytes payload):
        """Send a ping or a pong now; return what to await."""
        if self.state != OPEN:
            return self._refused()
        self.transport.put(
            FIN | opcode,
            <const uint8_t *>PyBytes_AS_STRING(payload),
            PyBytes_GET_SIZE(payload),
            payload,
        )
        return self.drained()

    def _flush(self):
        """Let what was sent leave now."""
        if self.transport is not None and not self.transport.in_batch:
            self.transport.flush()

    def _feed(self, bytes data):
        """Handle bytes as if the peer had sent them."""
        if data and self.transport is not None and self.transport.receiving:
            self.transport.feed(data)

    def _reading_paused(self):
        return self.transport is not None and self.transport.reading_paused

    def _writing_paused(self):
        return self.transport is not None and self.transport.writing_paused

    def _drained(self):
        """Return what waits until there is room for output."""
        return DONE if self.transport is None else self.drained()

    cdef object drained(self):
        cdef SendDrain drain
        if not self.transport.writing_paused:
            return DONE
        drain = SendDrain.__new__(SendDrain)
        drain.connection = self
        return drain

    # ------------------------------------------------------------------- ending

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
        self.rcvd_code = code
        self.rcvd_reason = reason
        if self.state == OPEN:
            self.rcvd_first = True
            transport.put_close(0 if code == NO_STATUS else code, reason.encode())
            self.note_sent(code, reason)
        return self.end_tcp()

    cdef int note_sent(self, int code, object reason) except -1:
        """Our close frame is out: nothing can be sent any more."""
        self.state = CLOSE_SENT
        self.sent_code = code
        self.sent_reason = reason
        self.wake_senders()
        return 0

    cdef int end_tcp(self) except -1:
        """RFC 6455 7.1.1: the server closes TCP first; a client gives it time to."""
        cdef WSTransport transport = self.transport
        if transport.is_disconnected:
            return 0
        if self.is_server:
            transport.disconnect()
            if transport.underlying_transport.get_write_buffer_size() == 0:
                return 0
        else:
            transport.resume_reading()
        # A peer that does not do its part would keep the connection for ever.
        self.abort_later()
        return 0

    def abort_later(self):
        """Drop the connection if it is not gone within ``close_timeout``."""
        if self.close_timer is None and self.close_timeout_value:
            self.close_timer = self.loop.call_later(self.close_timeout_value, self._abort)

    def _abort(self):
        """Drop the connection at once."""
        if self.transport is not None:
            self.transport.disconnect(False)

    def _start_closing(self, int code, str reason):
        """Begin the closing handshake, if it has not begun."""
        cdef WSTransport transport = self.transport
        if self.state != OPEN:
            return
        transport.put_close(0 if code == NO_STATUS else code, reason.encode())
        self.note_sent(code, reason)
        self.abort_later()
        # The peer's close frame is behind what the queue had no room for.
        transport.resume_reading()

    cdef int broken(self, WSTransport transport, int code, object reason) except -1:
        return self.fail(code, reason)

    cdef int user_error(self, WSTransport transport, object exc) except -1:
        self._on_error(exc)
        return self.fail(1011, "internal error")

    cdef int fail(self, int code, object reason) except -1:
        """Fail the connection (RFC 6455 7.1.7): the peer broke the protocol or a limit."""
        cdef WSTransport transport = self.transport
        transport.stop_receiving()
        if self.state != OPEN:
            if self.rcvd_code == 0 and self.state != CLOSED:
                transport.disconnect()
            return 0
        text = str(reason).replace("max_msg_size", "max_size").replace("max_frame_size", "max_size")
        # As it travels: RFC 6455 5.5 leaves it 123 bytes.
        data = text.encode()[:123].decode("utf-8", "ignore")
        transport.put_close(code, data.encode())
        self.note_sent(code, data)
        if transport.linger():
            self.abort_later()
        return 0

    def _fail(self, int code, reason):
        self.fail(code, reason)

    def _give_up(self, int code, str reason):
        """The peer does not answer: say so, and wait for nothing more."""
        cdef WSTransport transport = self.transport
        if self.state == OPEN:
            transport.put_close(code, reason.encode())
            self.note_sent(code, reason)
        transport.stop_receiving()
        transport.flush()
        # What such a peer has not read, it will not read.
        transport.disconnect(transport.underlying_transport.get_write_buffer_size() == 0)

    def _peer_may_be_unheard(self, double seconds):
        """Whether a pong may wait behind what we do not read, at a peer whose TCP is alive."""
        cdef WSTransport transport = self.transport
        return transport.reading_paused and not tcp_is_silent(
            transport.underlying_transport, seconds
        )

    cdef int lost(self, WSTransport transport, object exc) except -1:
        self.state = CLOSED
        self._set_lost_exc(exc)
        if self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = None
        self._drop_parts()
        if self.inflater is not None:
            self.deflater.release()
            self.inflater.release()
            self.deflater = self.inflater = None
        self.wake_senders()
        if self.waiting:
            self.waiter.wake_soon()
        waiters, self.lost_waiters = self.lost_waiters, None
        if waiters is not None:
            for future in waiters:
                if not future.done():
                    future.set_result(None)
        self._on_lost(exc)
        return 0

    def _lost_before_it_began(self, exc):
        """TCP is gone, and the opening handshake was not done."""
        self.begun = True
        self._lost_exc = exc
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
        """Wait until the connection is closed: the closing handshake done and TCP gone."""
        if self.begun and self.state == CLOSED:
            return
        future = self.loop.create_future()
        if self.lost_waiters is None:
            self.lost_waiters = []
        self.lost_waiters.append(future)
        await future

    async def _refused(self):
        """Raise ConnectionClosed when the connection is closed."""
        await self.wait_closed()
        raise self._closed_error()

    @property
    def _closing(self):
        """Where the closing handshake stands: 0 before it, 1 during, 2 when TCP is gone."""
        if self.state == OPEN:
            return 0
        return 2 if self.state == CLOSED else 1

    @property
    def _close_frames(self):
        """``(rcvd, sent, rcvd_first)``, the first two ``(code, reason)`` or ``None``."""
        return (
            (self.rcvd_code, self.rcvd_reason) if self.rcvd_code else None,
            (self.sent_code, self.sent_reason) if self.sent_code else None,
            self.rcvd_first,
        )


cdef object send_typed(PullConnection connection, object message, object text, object compress):
    """Send an OutgoingMessage."""
    if text is not None and bool(text) == bool(message.is_binary):
        return Failed(TypeError(f"text={text} contradicts {message!r}"))
    try:
        data = data_of(message)
    except UnicodeDecodeError as exc:
        return Failed(exc)
    return connection.send(data, compress=False if message.skip_compress else compress)


cdef class SendDrain(Awaitable):
    """A send that waits until the output has drained below the high-water mark."""

    cdef object advance(self, bint *finished):
        cdef PullConnection connection = self.connection
        if self.future is not None:
            if not self.future.done():
                raise RuntimeError("a send was resumed before its output had drained")
            self.future = None
        if connection.state == CLOSED:
            raise connection._closed_error()
        if connection.transport.writing_paused:
            self.future = connection.loop.create_future()
            if connection.drain_waiters is None:
                connection.drain_waiters = []
            connection.drain_waiters.append(self.future)
            self.future._asyncio_future_blocking = True
            return self.future
        finished[0] = True
        return None


make_sendable(SendDrain)
