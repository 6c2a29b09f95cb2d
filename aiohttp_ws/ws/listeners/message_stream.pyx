"""The reader and writer of a connection, as servers and clients share it."""

import json
import sys

from aiohttp_ws.wire.frames cimport OP_BINARY, OP_PING, OP_PONG, OP_TEXT
from aiohttp_ws.net.awaitables cimport Failed, Waiter, make_sendable
from aiohttp_ws.ws.engine.send_messages cimport CLOSED

from aiohttp_ws.errors import WSMessageTypeError
from aiohttp_ws.ws.typed_messages import IncomingMessage, OutgoingMessage, Ping
from aiohttp_ws.ws.types import WSMsgType

if sys.version_info >= (3, 11):
    from asyncio import timeout as timeout_scope
else:
    from async_timeout import timeout as timeout_scope

cdef object TYPE_TEXT = WSMsgType.TEXT
cdef object TYPE_BINARY = WSMsgType.BINARY
cdef frozenset ENDS = frozenset({WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED})


cdef class Receive(Awaitable):
    """One ``receive()``: a queued message at once, or a wait for the next."""

    cdef object advance(self, bint *finished):
        cdef MessageConnection connection = self.connection
        if self.suspended:
            self.suspended = False
            connection.waiting = False
        elif connection.waiting:
            raise RuntimeError("Concurrent call to receive() is not allowed")
        if connection.ending is not None and connection.queue.count == 0:
            connection.end_now()
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


make_sendable(Receive)


cdef class ReceiveMessage(Receive):
    """One ``receive_message()``."""

    cdef object fit(self, object message):
        msg_type, data, _ = message
        if msg_type is TYPE_BINARY:
            return IncomingMessage(data, True)
        if msg_type is TYPE_TEXT:
            return IncomingMessage(data.encode() if isinstance(data, str) else data, False)
        raise WSMessageTypeError(
            f"Received message {msg_type}:{data!r} is neither WSMsgType.TEXT nor WSMsgType.BINARY"
        )


make_sendable(ReceiveMessage)


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
        """Whether the connection is closed and nothing is left to receive.

        To whoever has received before, the message that tells of the end counts too.
        """
        return self._connection is not None and self._connection.closed

    @property
    def _ended(self):
        """Whether the closing handshake is over; TCP is then ended by the connection itself."""
        return self._connection is not None and self._connection.state == CLOSED

    @property
    def close_code(self):
        """The close code, ``None`` while the connection is open.

        It is the peer's; 1005 where its close frame had none, 1006 where the connection ended
        without one (RFC 6455 7.1.5); ours where the peer broke the protocol, and until it has
        answered our close frame.
        """
        if self._connection is None or self._connection.close_code_value == 0:
            return None
        return self._connection.close_code_value

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

        :param data: ``str``, or an OutgoingMessage that is text.
        :param compress: ``None`` as negotiated and by size; ``False`` or 0 sends this message
            uncompressed.
        :raises TypeError: *data* is not ``str``.
        :raises ConnectionResetError: the connection is closed or closing.
        """
        if self._connection is None:
            return Failed(not_prepared())
        return self._connection.send_text(data, compress)

    def send_bytes(self, data, compress=None):
        """Send *data*, bytes-like or a binary OutgoingMessage, otherwise as :meth:`send_str`."""
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

    def send_message(self, message, compress=None):
        """Send an OutgoingMessage as it says, or a Ping.

        :param compress: as in :meth:`send_str`; ``skip_compress`` of the message goes before.
        :raises TypeError: *message* is neither.
        :raises UnicodeDecodeError: it is text, and its bytes are not UTF-8.
        :raises ConnectionResetError: the connection is closed or closing.
        """
        if self._connection is None:
            return Failed(not_prepared())
        if isinstance(message, OutgoingMessage):
            if message.is_binary:
                return self._connection.send_buffer(OP_BINARY, message, compress)
            return self._connection.send_text(message, compress)
        if isinstance(message, Ping):
            return self._connection.send_control(OP_PING, message.payload)
        return Failed(
            TypeError(f"message must be an OutgoingMessage or a Ping, not {type(message)!r}")
        )

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
        operation.stream = self
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

    def receive_message(self, *, timeout=None):
        """Return the next text or binary message as an IncomingMessage.

        Its payload is ``bytes`` for both. WSMessageTypeError when it is neither.
        """
        cdef ReceiveMessage operation
        if self._connection is None:
            return Failed(not_prepared())
        operation = ReceiveMessage.__new__(ReceiveMessage)
        operation.stream = self
        operation.connection = self._connection
        operation.want = BINARY  # anything but ANY: fit() decides
        if timeout is None:
            timeout = self._receive_timeout
        return operation if timeout is None else within(timeout, operation)

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
