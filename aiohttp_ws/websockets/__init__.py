"""The message API: ``serve``, ``connect`` and their connections, under the names of websockets.

A program written for websockets runs with ``import aiohttp_ws.websockets as websockets``.
Modules are imported when a name of theirs is first asked for.
"""

from typing import TYPE_CHECKING

from .. import exports as _exports
from .version import version as __version__  # noqa: F401  As websockets has it.

if TYPE_CHECKING:
    from .asyncio.client import *
    from .asyncio.connection import Connection as WebSocketCommonProtocol  # noqa: F401
    from .asyncio.router import *
    from .asyncio.server import *
    from .client import WebSocketClientProtocol as WebSocketClientProtocol
    from .client_protocol import *
    from .datastructures import *
    from .exceptions import *
    from .frames import *
    from .http11 import *
    from .protocol import *
    from .server import WebSocketServer as WebSocketServer
    from .server import WebSocketServerProtocol as WebSocketServerProtocol
    from .server_protocol import *
    from .typing import *
    from .uri import *
else:
    __getattr__, __dir__ = _exports.lazily(
        __name__,
        (
            "exceptions",
            "typing",
            "datastructures",
            "frames",
            "uri",
            "http11",
            "protocol",
            "asyncio.server",
            "asyncio.client",
            "client_protocol",
            "server_protocol",
            "asyncio.router",
        ),
        alone={
            # A client need not load the server.
            "connect": "asyncio.client",
            # The first generation's names.
            "WebSocketClientProtocol": "client",
            "WebSocketCommonProtocol": "protocol",
            "WebSocketServer": "server",
            "WebSocketServerProtocol": "server",
        },
    )
