"""What connectors ask of the dialler, and what its errors are to a client."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

from ..errors import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientError,
    ClientHttpProxyError,
    ClientProxyConnectionError,
    ServerDisconnectedError,
)
from ..net.dial_error import DialError, DialFault
from ..wire.url import WSParsedURL, authority
from .connection_key import ConnectionKey
from .request_info import RequestInfo

if TYPE_CHECKING:
    from .request import ClientRequest

__all__ = ("endpoint_of", "explained", "not_dialled", "url_of")


def endpoint_of(req: ClientRequest) -> ConnectionKey:
    """What to connect to for *req*, and what errors about it name: the server, or the proxy."""
    key = req.connection_key
    if key.way is None:
        return key
    url = key.way.url
    return ConnectionKey(url.host, url.port, url.is_secure, key.ssl, None, None, None)


def url_of(key: ConnectionKey) -> WSParsedURL:
    scheme, port = ("wss", 443) if key.is_ssl else ("ws", 80)
    netloc = authority(key.host, key.port or port)
    url = f"{scheme}://{netloc}/"
    return WSParsedURL(url, scheme, key.is_ssl, netloc, key.host, key.port or port, "/", "")


def not_dialled(req: ClientRequest, there: ConnectionKey, exc: DialError) -> ClientError:
    """The client's error for what the dialler reports."""
    head = exc.head
    if exc.fault is DialFault.SPOKE_FIRST:
        return ServerDisconnectedError(exc.message)
    if exc.fault is DialFault.PROXY_REFUSED and head is not None:
        info = req.request_info
        return ClientHttpProxyError(
            RequestInfo(info.url, "CONNECT", info.headers, info.real_url),
            (),
            status=head.status,
            message=head.reason,
            headers=head.headers,
        )
    return ClientProxyConnectionError(there, OSError(None, exc.message))


def explained(key: Any, exc: BaseException) -> BaseException:
    """The client's error for an error of the event loop's ``create_connection()``."""
    if isinstance(exc, ClientError):
        return exc
    if isinstance(exc, ssl.CertificateError):
        return ClientConnectorCertificateError(key, exc)
    if isinstance(exc, ssl.SSLError):
        return ClientConnectorSSLError(key, exc)
    if isinstance(exc, OSError) and not (
        exc.errno is None and isinstance(exc, asyncio.TimeoutError)
    ):
        return ClientConnectorError(key, exc)
    return exc
