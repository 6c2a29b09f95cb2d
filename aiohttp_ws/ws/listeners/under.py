"""What is under a WebSocket, for programs that reach it by aiohttp's private names."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ..types import WSMsgType

if TYPE_CHECKING:
    from .message_stream import MessageStream
    from .receive import MessageConnection

__all__ = ("Wire",)


class Wire:
    """The connection under a WebSocket, with what users of aiohttp's private names reach for."""

    __slots__ = ("_websocket",)

    def __init__(self, websocket: MessageStream) -> None:
        self._websocket = websocket

    # Who takes messages out of aiohttp's queue asks first whether there is one.
    _payload = None

    @property
    def _connection(self) -> MessageConnection:
        connection = self._websocket._connection
        assert connection is not None  # it is made for an open WebSocket
        return connection

    @property
    def protocol(self) -> Wire:
        """Itself: it has the transport too."""
        return self

    @property
    def transport(self) -> asyncio.Transport | None:
        """The transport, or ``None`` after the end of the connection."""
        transport = self._connection.transport
        return None if transport.is_disconnected else transport.underlying_transport

    @property
    def closed(self) -> bool:
        """Whether the connection has ended."""
        return self._connection.transport.is_disconnected

    def close(self) -> None:
        """End the connection without a closing handshake."""
        self._connection.abort()

    release = close

    async def send_frame(self, message: bytes, opcode: int, compress: int | None = None) -> None:
        """Send *message* in a frame.

        :raises ValueError: *opcode* is not one of text, binary, ping and pong.
        """
        websocket = self._websocket
        if opcode == WSMsgType.BINARY:
            await websocket.send_bytes(message, compress)
        elif opcode == WSMsgType.TEXT:
            await websocket.send_str(message.decode(), compress)
        elif opcode == WSMsgType.PING:
            await websocket.ping(message)
        elif opcode == WSMsgType.PONG:
            await websocket.pong(message)
        else:
            raise ValueError(f"opcode {opcode} is not of a message, a ping or a pong")
