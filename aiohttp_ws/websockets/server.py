"""Servers: the names of both generations of websockets' module of this name."""

from .asyncio.server import (
    Server,
    ServerConnection,
    basic_auth,
    broadcast,
    serve,
    unix_serve,
)
from .server_protocol import ServerProtocol

#: The first generation's name of :class:`Server`.
WebSocketServer = Server
#: The first generation's name of :class:`ServerConnection`.
WebSocketServerProtocol = ServerConnection

__all__ = (
    "Server",
    "ServerConnection",
    "ServerProtocol",
    "WebSocketServer",
    "WebSocketServerProtocol",
    "basic_auth",
    "broadcast",
    "serve",
    "unix_serve",
)
