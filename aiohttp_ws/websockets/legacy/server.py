"""Servers of the first generation: keywords of old are translated, classes are the current ones.

A class that is fed by hand, as uvicorn's ``ws="websockets"`` does it with a subclass of
``WebSocketServerProtocol``, is refused when it is made.
"""

from __future__ import annotations

import http
from typing import TypeAlias

from ..asyncio.broadcasting import broadcast
from ..asyncio.server import serve, unix_serve
from ..datastructures import HeadersLike
from ..server import WebSocketServer, WebSocketServerProtocol

__all__ = (
    "WebSocketServer",
    "WebSocketServerProtocol",
    "broadcast",
    "serve",
    "unix_serve",
)

Serve = serve
#: What ``process_request`` of the first generation returns.
HTTPResponse: TypeAlias = tuple[http.HTTPStatus | int, HeadersLike, bytes]
