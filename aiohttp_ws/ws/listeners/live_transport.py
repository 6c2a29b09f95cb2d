"""What programs for aiohttp reach through the private ``_conn`` and ``_writer`` of a WebSocket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .receive import MessageConnection

__all__ = ()


class LiveTransport:
    """The transport of a WebSocket, for socket options, addresses and an end at once.

    It stands for both objects, of which programs use the same few attributes.
    """

    __slots__ = ("_connection",)

    # Programs that take messages out of aiohttp's queue look here first, whether there is one.
    _payload = None

    def __init__(self, connection: MessageConnection) -> None:
        self._connection = connection

    @property
    def transport(self) -> asyncio.Transport:
        return self._connection.transport.underlying_transport

    @property
    def protocol(self) -> LiveTransport:
        return self

    @property
    def closed(self) -> bool:
        return self.transport.is_closing()

    def close(self) -> None:
        """Close TCP, without a closing handshake, once what was sent has left."""
        self.transport.close()
