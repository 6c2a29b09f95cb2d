"""A connection lent by a connector for one request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import ClientConnectionError
from .connection_key import ConnectionKey
from .unclosed import tell_unclosed

if TYPE_CHECKING:
    from .connector import BaseConnector
    from .protocol import ClientProtocol

__all__ = ()


class Connection:
    """The use of one connection, until it is released, closed or detached."""

    __slots__ = ("__weakref__", "_callbacks", "_connector", "_key", "_protocol", "reused")

    def __init__(
        self,
        connector: BaseConnector,
        key: ConnectionKey,
        protocol: ClientProtocol,
        reused: bool,
    ) -> None:
        self._connector = connector
        self._key = key
        self._protocol: ClientProtocol | None = protocol
        self._callbacks: list[Callable[[], None]] | None = None
        #: Whether it served another request before: the server may be closing it just now.
        self.reused = reused

    @property
    def transport(self) -> asyncio.Transport | None:
        """The transport, or ``None`` once the connection was given back."""
        return None if self._protocol is None else self._protocol.transport

    @property
    def protocol(self) -> ClientProtocol | None:
        """Our side of the connection, or ``None`` once it was given back."""
        return self._protocol

    @property
    def closed(self) -> bool:
        """Whether the connection was given back, or is lost."""
        return self._protocol is None or not self._protocol.is_connected()

    @property
    def force_close(self) -> bool:
        """Whether the connector closes the connection after this response."""
        return self._connector._force_close

    def add_callback(self, callback: Callable[[], None]) -> None:
        """Call *callback* when the connection is given back."""
        if self._callbacks is None:
            self._callbacks = []
        self._callbacks.append(callback)

    def release(self) -> None:
        """Give the connection back, to serve other requests if its state allows."""
        protocol = self._protocol
        if protocol is not None:
            self._protocol = None
            self._connector._release(self._key, protocol, should_close=protocol.should_close)
            self._notify()

    def close(self) -> None:
        """Give the connection back and close it."""
        protocol = self._protocol
        if protocol is not None:
            self._protocol = None
            self._connector._release(self._key, protocol, should_close=True)
            self._notify()

    def detach(self) -> tuple[asyncio.Transport, bytes]:
        """Take the transport out of the pool, after an upgrade.

        Returns the transport, which may be closing, and the bytes that came after the response's
        head. The caller gives the transport its new protocol, and then calls
        :meth:`ClientProtocol.detached`.

        :raises ClientConnectionError: the connection was given back, or is not upgraded.
        """
        protocol = self._protocol
        if protocol is None or not protocol.is_upgraded:
            raise ClientConnectionError("connection is closed and has nothing to detach")
        self._protocol = None
        transport, rest = protocol.detach()
        self._connector._drop(self._key, protocol)
        self._notify()
        return transport, rest

    def _notify(self) -> None:
        callbacks, self._callbacks = self._callbacks, None
        for callback in callbacks or ():
            callback()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._key}>"

    def __del__(self, _tell: Callable[..., None] = tell_unclosed) -> None:
        protocol = self._protocol
        if protocol is not None:
            if not protocol.loop.is_closed():
                self._protocol = None
                self._connector._release(self._key, protocol, should_close=True)
            _tell("connection", self, "client_connection", protocol.loop)
