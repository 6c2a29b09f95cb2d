"""The HTTP and WebSocket client."""

from .connection import Connection
from .connection_key import ConnectionKey
from .connector import BaseConnector
from .cookiejar import CookieJar, DummyCookieJar
from .fingerprint import Fingerprint
from .oneshot import request
from .request import ClientRequest
from .request_info import RequestInfo
from .resolver import AsyncResolver, DefaultResolver, ThreadedResolver
from .response import ClientResponse, ContentDisposition
from .session import ClientHandlerType, ClientMiddlewareType, ClientSession
from .tcp_connector import AddrInfoType, SocketFactoryType, TCPConnector
from .timeouts import ClientTimeout, ClientWSTimeout
from .unix_connector import UnixConnector
from .upload import UploadTracker
from .websocket import ClientWebSocketResponse

__all__ = (
    "AddrInfoType",
    "AsyncResolver",
    "BaseConnector",
    "ClientHandlerType",
    "ClientMiddlewareType",
    "ClientRequest",
    "ClientResponse",
    "ClientSession",
    "ClientTimeout",
    "ClientWSTimeout",
    "ClientWebSocketResponse",
    "Connection",
    "ConnectionKey",
    "ContentDisposition",
    "CookieJar",
    "DefaultResolver",
    "DummyCookieJar",
    "Fingerprint",
    "RequestInfo",
    "SocketFactoryType",
    "TCPConnector",
    "ThreadedResolver",
    "UnixConnector",
    "UploadTracker",
    "request",
)
