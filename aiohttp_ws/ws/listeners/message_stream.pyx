"""The reader and writer of a connection, as servers and clients of the web API share it.

Every method that is a coroutine function in aiohttp returns an awaitable that acts when it is
awaited. The methods that build on others (``receive_json()`` on ``receive_str()`` on ``receive()``,
``send_json()`` on ``send_str()``, ``async for`` on ``receive()``) call a subclass's own where it has one,
as in aiohttp; which those are is found once per class.
"""

import json
import sys

from aiohttp_ws.net.awaitables cimport (
    OVER,
    WAITING,
    Waiter,
    make_sendable,
    own,
    show_as_coroutine_functions,
)
from aiohttp_ws.wire.closing cimport CLOSED, OPEN
from aiohttp_ws.wire.frames cimport OP_BINARY, OP_PING, OP_PONG, OP_TEXT
from aiohttp_ws.ws.engine.send_frames cimport is_open
from aiohttp_ws.ws.engine.send_messages cimport put_buffer, put_control, put_text

from aiohttp_ws.errors import WSMessageTypeError
from aiohttp_ws.ws.typed_messages import IncomingMessage, OutgoingMessage, Ping, data_of
from aiohttp_ws.ws.types import WSMsgType

if sys.version_info >= (3, 11):
    from asyncio import timeout as timeout_scope
else:
    from async_timeout import timeout as timeout_scope

cdef extern from "Python.h":
    bint PyUnicode_Check(object o)
    bint PyBytes_Check(object o)

cdef object TYPE_TEXT = WSMsgType.TEXT
cdef object TYPE_BINARY = WSMsgType.BINARY
cdef frozenset ENDS = frozenset({WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED})

# The methods that others build on, as bits of MessageStream.overridden.
cdef enum:
    OWN_RECEIVE = 1
    OWN_RECEIVE_STR = 2
    OWN_SEND_STR = 4
    OWN_SEND_BYTES = 8
cdef dict BUILT_ON = {
    "receive": OWN_RECEIVE,
    "receive_str": OWN_RECEIVE_STR,
    "send_str": OWN_SEND_STR,
    "send_bytes": OWN_SEND_BYTES,
}
cdef dict overridden_by = {}


cdef class Receive(Awaitable):
    """One ``receive()``: a queued message at once, or a wait for the next."""

    cdef object advance(self, bint *finished):
        cdef MessageConnection connection = (<MessageStream>self.subject)._connection
        if connection is None:
            self.phase = OVER
            raise not_prepared()
        if self.suspended:
            self.suspended = False
            connection.waiting = False
        elif connection.waiting:
            self.phase = OVER
            raise RuntimeError("Concurrent call to receive() is not allowed")
        elif self.phase == OVER:
            self.start()
        if connection.queue.count == 0 and connection.transport.answer_timer is not None:
            # The reader has taken all that came before the close frame or the fault.
            connection.transport.answer_now()
        if connection.queue.count or connection.transport.closing.state != OPEN:
            if (
                (connection.told_closing or connection.reads_after_end)
                and not self.turned
                and connection.queue.count == 0
            ):
                # It has been told before. A reader that goes on must let the event loop run.
                self.turned = True
                self.phase = WAITING
                return None
            self.phase = OVER
            finished[0] = True
            message = connection.take()
            if self.what == ANY:
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
        self.phase = WAITING
        return connection.waiter

    cdef object fit(self, object message):
        """Hold *message* against what was asked for."""
        msg_type, data, _ = message
        if self.what == NEXT:
            if msg_type is TYPE_TEXT or msg_type is TYPE_BINARY:
                return message
            if msg_type in ENDS:
                raise StopAsyncIteration
            return message
        if self.what == BINARY:
            if msg_type is not TYPE_BINARY:
                raise WSMessageTypeError(
                    f"Received message {msg_type}:{data!r} is not WSMsgType.BINARY"
                )
            return data
        if self.what == TYPED:
            if msg_type is TYPE_BINARY:
                return IncomingMessage(data, True)
            if msg_type is TYPE_TEXT:
                return IncomingMessage(data.encode() if isinstance(data, str) else data, False)
            raise WSMessageTypeError(
                f"Received message {msg_type}:{data!r} is neither WSMsgType.TEXT nor"
                " WSMsgType.BINARY"
            )
        if msg_type is not TYPE_TEXT:
            raise WSMessageTypeError(
                f"Received message {msg_type}:{data!r} is not WSMsgType.TEXT"
            )
        return data if self.what == TEXT else (<object>self.extra)(data)

    cdef int drop(self) except -1:
        if self.suspended:
            self.suspended = False
            (<MessageStream>self.subject)._connection.waiting = False
        return 0


make_sendable(Receive)


cdef class Send(Operation):
    """One call of a ``send_*`` method, of ``ping()`` or ``pong()``."""

    cdef Listener listener(self):
        return (<MessageStream>self.subject)._connection

    cdef object act(self, bint *finished):
        cdef MessageStream stream = <MessageStream>self.subject
        cdef Connection connection
        cdef unsigned char what = self.what
        cdef object data = <object>self.data
        if what == SEND_JSON or what == SEND_JSON_BYTES:
            data = (<object>self.extra)(data)
            if stream.overridden & (OWN_SEND_STR if what == SEND_JSON else OWN_SEND_BYTES):
                if what == SEND_JSON:
                    sending = stream.send_str(data, <object>self.option)
                else:
                    sending = stream.send_bytes(data, <object>self.option)
                return self.go_on(sending.__await__(), None, finished)
            what = SEND_TEXT if what == SEND_JSON else SEND_BYTES
        if stream._connection is None:
            raise not_prepared()
        connection = stream._connection.transport
        if not is_open(connection):
            return self.refuse(connection)
        if what == SEND_TEXT:
            if PyUnicode_Check(data):
                put_text(connection, OP_TEXT, data, <object>self.option)
            elif isinstance(data, OutgoingMessage):
                self.put_typed(connection, OP_TEXT, data)
            else:
                raise TypeError(f"data argument must be str ({type(data)!r})")
        elif what == SEND_BYTES:
            self.put_bytes_like(connection, OP_BINARY, data)
        elif what == SEND_TYPED:
            if isinstance(data, OutgoingMessage):
                self.put_typed(connection, OP_BINARY if data.is_binary else OP_TEXT, data)
            elif isinstance(data, Ping):
                put_control(connection, OP_PING, data.payload)
            else:
                raise TypeError(
                    f"message must be an OutgoingMessage or a Ping, not {type(data)!r}"
                )
        elif what == SEND_FRAME:
            opcode = <object>self.extra
            if opcode == OP_TEXT or opcode == OP_BINARY:
                self.put_bytes_like(connection, opcode, data)
            elif opcode == OP_PING or opcode == OP_PONG:
                put_control(connection, opcode, data)
            else:
                raise ValueError(
                    f"opcode {opcode!r} cannot be sent here; use TEXT, BINARY, PING or PONG"
                )
        else:
            put_control(connection, OP_PING if what == SEND_PING else OP_PONG, data)
        return self.settle(connection, finished)

    cdef int put_bytes_like(self, Connection connection, uint8_t opcode, object data) except -1:
        if PyBytes_Check(data) or isinstance(data, (bytearray, memoryview)):
            return put_buffer(connection, opcode, data, <object>self.option)
        if isinstance(data, OutgoingMessage):
            return self.put_typed(connection, opcode, data)
        raise TypeError(f"data argument must be byte-ish ({type(data)!r})")

    cdef int put_typed(self, Connection connection, uint8_t opcode, object message) except -1:
        """Write an OutgoingMessage, which is to be of type *opcode*."""
        if (opcode == OP_BINARY) != bool(message.is_binary):
            raise TypeError(f"{message!r} is not what this method sends; use send_message()")
        data = data_of(message)
        compress = False if message.skip_compress else <object>self.option
        if PyUnicode_Check(data):
            return put_text(connection, opcode, data, compress)
        return put_buffer(connection, opcode, data, compress)


make_sendable(Send)


cdef class MessageStream:
    """Reads and writes messages; what ``WebSocketResponse`` and its client twin share."""

    def _attach(self, MessageConnection connection, receive_timeout):
        self._connection = connection
        self._receive_timeout = receive_timeout
        found = overridden_by.get(type(self))
        if found is None:
            found = 0
            for name, bit in BUILT_ON.items():
                if getattr(type(self), name) is not getattr(MessageStream, name):
                    found |= bit
            overridden_by[type(self)] = found
        self.overridden = found

    @property
    def closed(self):
        """Whether :meth:`close` has begun, or the connection has ended and the reader knows.

        Of a close frame of the peer's, the reader is told by a message before this is true.
        """
        return self._connection is not None and self._connection.closed

    @property
    def _ended(self):
        """Whether the closing handshake is over; the connection itself then ends TCP."""
        return self._connection is not None and self._connection.transport.closing.state >= CLOSED

    @property
    def close_code(self):
        """The close code, ``None`` while the connection is open.

        It is the peer's; 1005 where its close frame had none, 1006 where the connection ended
        without one (RFC 6455 7.1.5); ours where the peer broke the protocol, and until it has
        answered our close frame.
        """
        return None if self._connection is None else self._connection.close_code

    def exception(self):
        """Return what ended the connection abnormally, or ``None``."""
        return None if self._connection is None else self._connection.exception_value

    def get_extra_info(self, name, default=None):
        """Return what the transport knows of *name*, such as ``peername``."""
        if self._connection is None:
            return default
        return self._connection.transport.underlying_transport.get_extra_info(name, default)

    # ------------------------------------------------------------------- sending

    cdef object _send(
        self, What what, const char *name, object data, object compress, object extra
    ):
        cdef Send operation = Send.__new__(Send)
        operation.name = name
        operation.subject = self
        operation.what = what
        operation.data = own(data)
        operation.option = own(compress)
        if extra is not None:
            operation.extra = own(extra)
        return operation

    def send_str(self, data, compress=None):
        """Send *data* as a text message.

        :param data: ``str``, or an OutgoingMessage that is text.
        :param compress: ``None`` as negotiated and by size; ``False`` or 0 sends this message
            uncompressed.
        :raises TypeError: *data* is not ``str``.
        :raises ConnectionResetError: the connection is closed or closing.
        """
        return self._send(SEND_TEXT, b"send_str", data, compress, None)

    def send_bytes(self, data, compress=None):
        """Send *data*, bytes-like or a binary OutgoingMessage, otherwise as :meth:`send_str`."""
        return self._send(SEND_BYTES, b"send_bytes", data, compress, None)

    def send_json(self, data, compress=None, *, dumps=json.dumps):
        """Send *data*, encoded by *dumps*, as a text message."""
        return self._send(SEND_JSON, b"send_json", data, compress, dumps)

    def send_json_bytes(self, data, compress=None, *, dumps):
        """Send *data* as a binary message; *dumps* returns it encoded, as orjson's does."""
        return self._send(SEND_JSON_BYTES, b"send_json_bytes", data, compress, dumps)

    def send_message(self, message, compress=None):
        """Send an OutgoingMessage as it says, or a Ping.

        :param compress: as in :meth:`send_str`; ``skip_compress`` of the message goes before.
        :raises TypeError: *message* is neither.
        :raises UnicodeDecodeError: it is text, and its bytes are not UTF-8.
        :raises ConnectionResetError: the connection is closed or closing.
        """
        return self._send(SEND_TYPED, b"send_message", message, compress, None)

    def send_frame(self, message, opcode, compress=None):
        """Send *message*, bytes-like, as one frame of type *opcode*."""
        return self._send(SEND_FRAME, b"send_frame", message, compress, opcode)

    def ping(self, message=b""):
        """Send a ping with *message*, at most 125 bytes."""
        return self._send(SEND_PING, b"ping", message, None, None)

    def pong(self, message=b""):
        """Send an unasked-for pong with *message*, at most 125 bytes."""
        return self._send(SEND_PONG, b"pong", message, None, None)

    # ----------------------------------------------------------------- receiving

    cdef object _receive(self, Want want, const char *name, object loads, object timeout):
        cdef Receive operation
        if not timeout:  # 0 is none, as in aiohttp
            timeout = self._receive_timeout
        if timeout:
            return receive_within(self, want, loads, timeout)
        operation = Receive.__new__(Receive)
        operation.name = name
        operation.subject = self
        operation.what = want
        if loads is not None:
            operation.extra = own(loads)
        return operation

    def receive(self, timeout=None):
        """Return the next :class:`WSMessage`.

        :param timeout: seconds; ``None`` for the connection's ``receive_timeout``.
        :raises asyncio.TimeoutError: no message came in time.
        :raises RuntimeError: another task is receiving already.
        """
        return self._receive(ANY, b"receive", None, timeout)

    def receive_str(self, *, timeout=None):
        """Return the next message's text; WSMessageTypeError when it is not a text message."""
        if self.overridden & OWN_RECEIVE:
            return receive_by_own(self, TEXT, None, timeout)
        return self._receive(TEXT, b"receive_str", None, timeout)

    def receive_bytes(self, *, timeout=None):
        """Return the next message's bytes; WSMessageTypeError when it is not binary."""
        if self.overridden & OWN_RECEIVE:
            return receive_by_own(self, BINARY, None, timeout)
        return self._receive(BINARY, b"receive_bytes", None, timeout)

    def receive_message(self, *, timeout=None):
        """Return the next text or binary message as an IncomingMessage.

        Its payload is ``bytes`` for both. WSMessageTypeError when it is neither.
        """
        if self.overridden & OWN_RECEIVE:
            return receive_by_own(self, TYPED, None, timeout)
        return self._receive(TYPED, b"receive_message", None, timeout)

    def receive_json(self, *, loads=json.loads, timeout=None):
        """Return the next text message decoded by *loads*."""
        if self.overridden & (OWN_RECEIVE | OWN_RECEIVE_STR):
            return receive_json_by_own(self, loads, timeout)
        return self._receive(JSON, b"receive_json", loads, timeout)

    def __aiter__(self):
        return self

    def __anext__(self):
        if self.overridden & OWN_RECEIVE:
            return receive_by_own(self, NEXT, None, None)
        return self._receive(NEXT, b"__anext__", None, None)


show_as_coroutine_functions(
    MessageStream,
    (
        "send_str",
        "send_bytes",
        "send_json",
        "send_json_bytes",
        "send_message",
        "send_frame",
        "ping",
        "pong",
        "receive",
        "receive_str",
        "receive_bytes",
        "receive_message",
        "receive_json",
    ),
)


cdef object not_prepared():
    return RuntimeError("Call .prepare() first")


async def receive_within(MessageStream stream, Want want, loads, timeout):
    """Receive as *want* says, for at most *timeout* seconds."""
    cdef Receive operation = Receive.__new__(Receive)
    operation.subject = stream
    operation.what = want
    operation.extra = own(loads)
    async with timeout_scope(timeout):
        return await operation


async def receive_by_own(MessageStream stream, Want want, loads, timeout):
    """Receive as *want* says what a subclass's receive() gives."""
    cdef Receive operation = Receive.__new__(Receive)
    operation.what = want
    operation.extra = own(loads)
    return operation.fit(await (stream.receive() if timeout is None else stream.receive(timeout)))


async def receive_json_by_own(MessageStream stream, loads, timeout):
    """Decode what a subclass's receive_str() gives."""
    return loads(await stream.receive_str(timeout=timeout))
