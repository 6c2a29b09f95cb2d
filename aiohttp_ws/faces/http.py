"""``aiohttp.http``: what server and client share of HTTP."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    imported="""
    HeadersParser HttpParser HttpProcessingError HttpRequestParser HttpResponseParser
    HttpVersion HttpVersion10 HttpVersion11 RESPONSES RawRequestMessage RawResponseMessage
    SERVER_SOFTWARE StreamWriter WSCloseCode WSMessage WSMessageDecodeText WSMessageNoDecodeText
    WSMessageTextBytes WSMsgType WS_CLOSED_MESSAGE WS_CLOSING_MESSAGE WS_KEY WebSocketError
    WebSocketReader WebSocketWriter ws_ext_gen ws_ext_parse
    """,
    alone={
        "RawRequestMessage": "web.request_head",
        "WS_CLOSED_MESSAGE": "ws.types",
        "WS_CLOSING_MESSAGE": "ws.types",
        "WS_KEY": "wire.handshake:_GUID",
        "RESPONSES": "http.headers",
        "SERVER_SOFTWARE": "http.software",
    },
)
