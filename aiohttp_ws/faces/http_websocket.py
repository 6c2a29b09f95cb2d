"""``aiohttp.http_websocket``: WebSocket messages."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    imported="""
    WSCloseCode WSHandshakeError WSMessage WSMessageDecodeText WSMessageNoDecodeText
    WSMessageTextBytes WSMsgType WS_CLOSED_MESSAGE WS_CLOSING_MESSAGE WS_KEY WebSocketError
    WebSocketReader WebSocketWriter ws_ext_gen ws_ext_parse
    """,
    alone={
        "WS_CLOSED_MESSAGE": "ws.types",
        "WS_CLOSING_MESSAGE": "ws.types",
        "WS_KEY": "wire.handshake:_GUID",
    },
)
