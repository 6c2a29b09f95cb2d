"""The frame height: connect and serve with callbacks on frames."""

from ..wire.url import WSParsedURL
from ..ws.opening.upgrade import WSUpgradeRequest, WSUpgradeResponse, WSUpgradeResponseWithListener
from .connect import ws_connect
from .server import ws_create_server

__all__ = (
    "WSParsedURL",
    "WSUpgradeRequest",
    "WSUpgradeResponse",
    "WSUpgradeResponseWithListener",
    "ws_connect",
    "ws_create_server",
)
