"""``aiohttp._websocket.reader_py``: what the messages of a WebSocket count for."""

from ... import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    imported="WSCloseCode WSMessage WSMsgType WebSocketError",
    alone={"MSG_SIZE_OVERHEAD": "ws.listeners.receive"},
)
