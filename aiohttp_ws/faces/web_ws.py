"""``aiohttp.web_ws``: WebSockets of the server."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    "WebSocketReady WebSocketResponse",
    imported="""
    AbstractStreamWriter BaseRequest HTTPBadRequest HTTPException StreamResponse WSCloseCode
    WSMessage WSMessageTypeError WSMsgType WebSocketError
    """,
)
