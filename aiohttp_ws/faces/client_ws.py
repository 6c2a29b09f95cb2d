"""``aiohttp.client_ws``: WebSockets of the client."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    "ClientWSTimeout ClientWebSocketResponse DEFAULT_WS_CLIENT_TIMEOUT",
    imported="""
    ClientError ClientResponse ServerTimeoutError WSCloseCode WSMessage WSMessageTypeError
    WSMsgType WebSocketError
    """,
    alone={
        "DEFAULT_WS_CLIENT_TIMEOUT": "client.timeouts:DEFAULT_WS_CLOSE_TIMEOUT",
    },
)
