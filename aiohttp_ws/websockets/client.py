"""Clients: the names of both generations of websockets' module of this name."""

from .asyncio.client import ClientConnection, connect, unix_connect
from .asyncio.reconnecting import backoff, process_exception
from .client_protocol import ClientProtocol

#: The first generation's name of :class:`ClientConnection`.
WebSocketClientProtocol = ClientConnection

__all__ = (
    "ClientConnection",
    "ClientProtocol",
    "WebSocketClientProtocol",
    "backoff",
    "connect",
    "process_exception",
    "unix_connect",
)
