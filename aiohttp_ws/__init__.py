"""An aiohttp-style HTTP framework in which WebSockets come first.

The names of the public interface; the server framework is :mod:`aiohttp_ws.web`.
"""

import importlib
from typing import TYPE_CHECKING, Any

from . import hdrs
from .client import (
    AddrInfoType,
    AsyncResolver,
    BaseConnector,
    ClientHandlerType,
    ClientMiddlewareType,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ClientWebSocketResponse,
    ClientWSTimeout,
    CookieJar,
    DefaultResolver,
    DummyCookieJar,
    Fingerprint,
    RequestInfo,
    SocketFactoryType,
    TCPConnector,
    ThreadedResolver,
    UnixConnector,
    UploadTracker,
    request,
)
from .errors import (
    ClientConnectionError,
    ClientConnectionResetError,
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientError,
    ClientHttpProxyError,
    ClientOSError,
    ClientPayloadError,
    ClientProxyConnectionError,
    ClientResponseError,
    ClientSSLError,
    ConnectionTimeoutError,
    ContentTypeError,
    HandshakeError,
    InvalidURL,
    InvalidUrlClientError,
    InvalidUrlRedirectClientError,
    NonHttpUrlClientError,
    NonHttpUrlRedirectClientError,
    RedirectClientError,
    ServerConnectionError,
    ServerDisconnectedError,
    ServerFingerprintMismatch,
    ServerTimeoutError,
    SocketTimeoutError,
    TooManyRedirects,
    UploadAbortedError,
    WebSocketError,
    WSError,
    WSHandshakeError,
    WSInvalidHeaderError,
    WSInvalidMessageError,
    WSInvalidStatusError,
    WSInvalidUpgradeError,
    WSInvalidURL,
    WSMessageTypeError,
    WSProtocolError,
    WSProxyError,
    WSServerHandshakeError,
)
from .frames import (
    WSParsedURL,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_connect,
    ws_create_server,
)
from .http.auth import (
    BasicAuth,
    encode_basic_auth,
)
from .http.disposition import (
    BadContentDispositionHeader,
    BadContentDispositionParam,
    content_disposition_filename,
    parse_content_disposition,
)
from .http.forms import (
    FormData,
)
from .http.headers import (
    ETag,
    HttpVersion,
    HttpVersion10,
    HttpVersion11,
)
from .http.payload import (
    PAYLOAD_REGISTRY,
    AsyncIterablePayload,
    BufferedReaderPayload,
    BytesIOPayload,
    BytesPayload,
    IOBasePayload,
    JsonPayload,
    Payload,
    StringIOPayload,
    StringPayload,
    TextIOPayload,
    get_payload,
    payload_type,
)
from .http.streams import (
    EMPTY_PAYLOAD,
    StreamReader,
)
from .wire.deflate import (
    DeflateOptions,
    DeflateParams,
)
from .ws.engine.frame import (
    WSCloseHandshake,
    WSCloseInfo,
    WSFrame,
)
from .ws.engine.transport import (
    WSListener,
    WSTransport,
)
from .ws.listeners.broadcast import (
    BroadcastReport,
    broadcast,
)
from .ws.opening.decisions import (
    ConnectingRequest,
    ConnectionAccept,
    ConnectionDeny,
    ConnectionRequest,
    ConnectionResponse,
)
from .ws.typed_messages import (
    IncomingMessage,
    Message,
    OutgoingMessage,
    Ping,
)
from .ws.types import (
    WSAutoPingStrategy,
    WSCloseCode,
    WSMessage,
    WSMsgType,
)

if TYPE_CHECKING:
    from .websockets.asyncio.client import connect
    from .websockets.asyncio.server import serve

__version__ = "0.1.0"

#: A logging level below DEBUG, for compatibility with picows; nothing is logged at it.
PICOWS_DEBUG_LL = 9

__all__ = (
    "AddrInfoType",
    "AsyncIterablePayload",
    "AsyncResolver",
    "BadContentDispositionHeader",
    "BadContentDispositionParam",
    "BaseConnector",
    "BasicAuth",
    "BroadcastReport",
    "BufferedReaderPayload",
    "BytesIOPayload",
    "BytesPayload",
    "ClientConnectionError",
    "ClientConnectionResetError",
    "ClientConnectorCertificateError",
    "ClientConnectorDNSError",
    "ClientConnectorError",
    "ClientConnectorSSLError",
    "ClientError",
    "ClientHandlerType",
    "ClientHttpProxyError",
    "ClientMiddlewareType",
    "ClientOSError",
    "ClientPayloadError",
    "ClientProxyConnectionError",
    "ClientRequest",
    "ClientResponse",
    "ClientResponseError",
    "ClientSSLError",
    "ClientSession",
    "ClientTimeout",
    "ClientWSTimeout",
    "ClientWebSocketResponse",
    "ConnectingRequest",
    "ConnectionAccept",
    "ConnectionDeny",
    "ConnectionRequest",
    "ConnectionResponse",
    "ConnectionTimeoutError",
    "ContentTypeError",
    "CookieJar",
    "DefaultResolver",
    "DeflateOptions",
    "DeflateParams",
    "DummyCookieJar",
    "EMPTY_PAYLOAD",
    "ETag",
    "Fingerprint",
    "FormData",
    "HandshakeError",
    "HttpVersion",
    "HttpVersion10",
    "HttpVersion11",
    "IOBasePayload",
    "IncomingMessage",
    "InvalidURL",
    "InvalidUrlClientError",
    "InvalidUrlRedirectClientError",
    "JsonPayload",
    "Message",
    "NonHttpUrlClientError",
    "NonHttpUrlRedirectClientError",
    "OutgoingMessage",
    "PAYLOAD_REGISTRY",
    "PICOWS_DEBUG_LL",
    "Payload",
    "Ping",
    "RedirectClientError",
    "RequestInfo",
    "ServerConnectionError",
    "ServerDisconnectedError",
    "ServerFingerprintMismatch",
    "ServerTimeoutError",
    "SocketFactoryType",
    "SocketTimeoutError",
    "StreamReader",
    "StringIOPayload",
    "StringPayload",
    "TCPConnector",
    "TextIOPayload",
    "ThreadedResolver",
    "TooManyRedirects",
    "UnixConnector",
    "UploadAbortedError",
    "UploadTracker",
    "WSAutoPingStrategy",
    "WSCloseCode",
    "WSCloseHandshake",
    "WSCloseInfo",
    "WSError",
    "WSFrame",
    "WSHandshakeError",
    "WSInvalidHeaderError",
    "WSInvalidMessageError",
    "WSInvalidStatusError",
    "WSInvalidURL",
    "WSInvalidUpgradeError",
    "WSListener",
    "WSMessage",
    "WSMessageTypeError",
    "WSMsgType",
    "WSParsedURL",
    "WSProtocolError",
    "WSProxyError",
    "WSServerHandshakeError",
    "WSTransport",
    "WSUpgradeRequest",
    "WSUpgradeResponse",
    "WSUpgradeResponseWithListener",
    "WebSocketError",
    "broadcast",
    "connect",
    "content_disposition_filename",
    "encode_basic_auth",
    "get_payload",
    "hdrs",
    "parse_content_disposition",
    "payload_type",
    "request",
    "serve",
    "ws_connect",
    "ws_create_server",
)


def __getattr__(name: str) -> Any:
    # The message height is imported when it is first asked for.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f".websockets.asyncio.{_HOMES[name]}", __name__)
    found = globals()[name] = getattr(module, name)
    return found


_HOMES = {"connect": "client", "serve": "server"}
