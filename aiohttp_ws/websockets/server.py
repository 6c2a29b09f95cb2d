"""Servers: what websockets' module of this name had in its two generations."""

import typing

from .. import exports
from .asyncio.server import *
from .asyncio.server import Server, ServerConnection
from .server_protocol import *

#: The first generation's name of :class:`Server`.
WebSocketServer = Server
#: The first generation's name of :class:`ServerConnection`.
WebSocketServerProtocol = ServerConnection

if not typing.TYPE_CHECKING:
    __all__ = exports.imported_names(__name__)
