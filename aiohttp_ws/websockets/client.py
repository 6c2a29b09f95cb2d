"""Clients: what websockets' module of this name had in its two generations."""

import typing

from .. import exports
from .asyncio.client import *
from .asyncio.client_connection import ClientConnection
from .asyncio.reconnecting import *
from .client_protocol import *

#: The first generation's name of :class:`ClientConnection`.
WebSocketClientProtocol = ClientConnection

if not typing.TYPE_CHECKING:
    __all__ = exports.imported_names(__name__)
