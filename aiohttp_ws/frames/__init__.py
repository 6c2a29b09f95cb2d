"""The frame height: connect and serve with callbacks on frames."""

from ..ws.opening.upgrade import WSUpgradeRequest, WSUpgradeResponse, WSUpgradeResponseWithListener
from .connect import ws_connect
from .server import ws_create_server
from .url import WSParsedURL

__all__ = (
    "WSParsedURL",
    "WSUpgradeRequest",
    "WSUpgradeResponse",
    "WSUpgradeResponseWithListener",
    "ws_connect",
    "ws_create_server",
)
