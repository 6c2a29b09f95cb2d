"""A server's connection until its request is answered."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from ...errors import BadHttpMessage
from ...net.loop import resources_of
from ...wire.http1 import RequestHead, RequestParser

if TYPE_CHECKING:
    from .server import Server
    from .server_connection import ServerConnection

__all__ = ("ServerOpening",)

# Bytes that are read while process_request makes up its mind; more waits in the socket.
MOST_REST = 65536
# Seconds that a client has to read why it was refused, and to close.
LINGER = 5.0


class ServerOpening(asyncio.BufferedProtocol):
    """Reads the request of one connection, and sends what the connection answers."""

    __slots__ = (
        "_buffer",
        "_ended",
        "_loop",
        "_parser",
        "_rest",
        "_server",
        "_timer",
        "_transport",
        "connection",
        "task",
        "timed_out",
        "timeout",
    )

    def __init__(
        self, loop: asyncio.AbstractEventLoop, server: Server, timeout: float | None
    ) -> None:
        self._loop = loop
        self._server = server
        self.timeout = timeout
        self.connection: ServerConnection = server._make_connection()
        self.connection._opening = self
        self.task: asyncio.Task[None] | None = None
        self.timed_out = False
        self._timer: asyncio.TimerHandle | None = None
        self._parser = RequestParser()
        self._buffer = resources_of(loop).receive_buffer
        self._rest = b""
        self._ended = False  # answered, or gone

    # ------------------------------------------------------- called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._server._openings.add(self)
        if self.timeout is not None:
            self._timer = self._loop.call_later(self.timeout, self._expired)
        self.connection.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        # Python 3.10 takes a TLS transport for forgotten that its peer closed and we did not.
        self._transport.close()
        connection = self.connection
        connection._opening = None
        connection._lost_before_it_began(exc)
        if self.task is not None and not self.timed_out and not self.task.done():
            self.task.cancel()
        connection._settings.logger.info("connection closed", extra={"websocket": connection})
        connection.connection_lost(exc)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._ended:
            return
        if self.task is not None:
            self._rest += self._buffer[:nbytes]
            if len(self._rest) > MOST_REST:
                self._transport.pause_reading()
            return
        parser = self._parser
        parser.feed_from(self._buffer, nbytes)
        try:
            head = parser.next_event()
        except BadHttpMessage as exc:
            self.refuse(exc.code, f"Failed to open a WebSocket connection: {exc}.\n")
            return
        if head is not None:
            if parser.pending:
                parser.keep_rest()
            self.connection._head = cast("RequestHead", head)
            self.task = self._server._start_handler(self.connection, self)

    def eof_received(self) -> bool:
        return False

    # -------------------------------------------------------------------- the answer

    @property
    def transport(self) -> asyncio.Transport:
        return self._transport

    def take_rest(self) -> bytes:
        """What the client has sent behind its request."""
        return self._parser.take_rest() + self._rest if self._parser.paused else self._rest

    def accepted(self) -> None:
        """The answer is a 101, and the transport belongs to the connection."""
        self._end()

    def refuse(self, status: int, text: str) -> None:
        """Answer with *status* and close."""
        if not self._ended:
            self.connection._send_refusal(self.connection.respond(status, text))

    def send_last(self, data: bytes) -> None:
        """Send the answer *data*, and let the client close."""
        if self._ended:
            return
        self._end()
        self._transport.write(data)
        if not self._transport.can_write_eof():
            self._transport.close()
            return
        # A socket closed with unread input resets the connection, and the answer may be lost
        # with it (RFC 9112 9.6): end our side, drop what comes.
        try:
            self._transport.write_eof()
        except OSError:
            self._transport.abort()
            return
        if len(self._rest) > MOST_REST:
            self._transport.resume_reading()
        self._timer = self._loop.call_later(LINGER, self._transport.abort)

    def _expired(self) -> None:
        self._timer = None
        if self._ended:
            return
        self.timed_out = True
        if self.task is not None:
            self.task.cancel()
        self.refuse(408, f"No opening handshake within open_timeout={self.timeout:g} s.\n")

    def _end(self) -> None:
        self._ended = True
        self._server._openings.discard(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
