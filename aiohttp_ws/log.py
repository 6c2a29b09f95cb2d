"""The loggers, under the names that they have in aiohttp's module ``log``."""

from __future__ import annotations

import logging
from typing import Final

__all__ = (
    "access_logger",
    "client_logger",
    "internal_logger",
    "server_logger",
    "web_logger",
    "ws_logger",
)

#: One line per request of a server.
access_logger: Final = logging.getLogger("aiohttp_ws.access")
client_logger: Final = logging.getLogger("aiohttp_ws.client")
internal_logger: Final = logging.getLogger("aiohttp_ws.internal")
#: Faults of handlers and of connections.
server_logger: Final = logging.getLogger("aiohttp_ws.server")
web_logger: Final = logging.getLogger("aiohttp_ws.web")
ws_logger: Final = logging.getLogger("aiohttp_ws.websocket")
