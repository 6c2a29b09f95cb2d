"""What a :class:`~aiohttp_ws.ClientSession` raises about a request, a response or a connection."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from typing import Any

from multidict import MultiMapping
from yarl import URL

__all__ = (
    "ClientConnectionError",
    "ClientConnectionResetError",
    "ClientConnectorCertificateError",
    "ClientConnectorDNSError",
    "ClientConnectorError",
    "ClientConnectorSSLError",
    "ClientError",
    "ClientHttpProxyError",
    "ClientOSError",
    "ClientPayloadError",
    "ClientProxyConnectionError",
    "ClientResponseError",
    "ClientSSLError",
    "ConnectionTimeoutError",
    "ContentTypeError",
    "InvalidURL",
    "InvalidUrlClientError",
    "InvalidUrlRedirectClientError",
    "NonHttpUrlClientError",
    "NonHttpUrlRedirectClientError",
    "RedirectClientError",
    "ServerConnectionError",
    "ServerDisconnectedError",
    "ServerFingerprintMismatch",
    "ServerTimeoutError",
    "SocketTimeoutError",
    "TooManyRedirects",
    "UnixClientConnectorError",
    "UploadAbortedError",
    "WSServerHandshakeError",
)


class ClientError(Exception):
    """The base of everything a :class:`~aiohttp_ws.ClientSession` raises about a request."""


class ClientResponseError(ClientError):
    """A response came and cannot be used.

    Raised by ``raise_for_status()`` for a status of 400 and above, and when the response
    is not valid HTTP.

    :param request_info: the request, a :class:`~aiohttp_ws.RequestInfo`.
    :param history: the redirect responses that led here, oldest first.
    :param status: the response's HTTP status; 0 when none was read.
    :param message: the reason phrase, or what is wrong.
    :param headers: the response's headers, or ``None``.
    :param code: a deprecated name of *status*.
    """

    def __init__(
        self,
        request_info: Any,
        history: tuple[Any, ...],
        *,
        code: int | None = None,
        status: int | None = None,
        message: str = "",
        headers: MultiMapping[str] | None = None,
    ) -> None:
        self.request_info = request_info
        if code is not None:
            if status is not None:
                raise ValueError(
                    f"both code={code} and status={status} are given; pass status only"
                )
            warnings.warn(
                "code is deprecated, pass status instead", DeprecationWarning, stacklevel=2
            )
        self.status = status if status is not None else code or 0
        self.message = message
        self.headers = headers
        self.history = history
        self.args = (request_info, history)

    def __str__(self) -> str:
        url = str(self.request_info.real_url) if self.request_info is not None else ""
        return f"{self.status}, message={self.message!r}, url={url!r}"

    def __repr__(self) -> str:
        shown = f"{self.request_info!r}, {self.history!r}"
        if self.status != 0:
            shown += f", status={self.status!r}"
        if self.message != "":
            shown += f", message={self.message!r}"
        if self.headers is not None:
            shown += f", headers={self.headers!r}"
        return f"{type(self).__name__}({shown})"

    @property
    def code(self) -> int:
        """A deprecated name of :attr:`status`."""
        warnings.warn(
            "code is deprecated, use the status attribute", DeprecationWarning, stacklevel=2
        )
        return self.status

    @code.setter
    def code(self, value: int) -> None:
        warnings.warn(
            "code is deprecated, use the status attribute", DeprecationWarning, stacklevel=2
        )
        self.status = value


class ContentTypeError(ClientResponseError):
    """``response.json()`` met another ``Content-Type``; ``content_type=None`` skips the check."""


class WSServerHandshakeError(ClientResponseError):
    """The server refused the WebSocket handshake, or answered it wrongly (RFC 6455 4.1).

    :param body: what came of a refusal's body, at most 64 KiB, kept as :attr:`body`; ``None``
        where there is none. The others are those of :exc:`ClientResponseError`.
    """

    def __init__(
        self,
        request_info: Any,
        history: tuple[Any, ...],
        *,
        code: int | None = None,
        status: int | None = None,
        message: str = "",
        headers: MultiMapping[str] | None = None,
        body: bytes | None = None,
    ) -> None:
        super().__init__(
            request_info, history, code=code, status=status, message=message, headers=headers
        )
        self.body = body


class ClientHttpProxyError(ClientResponseError):
    """A proxy answered ``CONNECT`` with a status other than 2xx."""


class TooManyRedirects(ClientResponseError):
    """``max_redirects`` redirects were followed and another one came."""


class ClientConnectionError(ClientError):
    """The base of errors of the connection itself, before or during a request."""


class ClientConnectionResetError(ClientConnectionError, ConnectionResetError):
    """The connection is closed already, and a write to it was tried."""


class ClientOSError(ClientConnectionError, OSError):
    """The operating system reports an error on the connection; ``errno`` tells which."""


class ClientConnectorError(ClientOSError):
    """A connection to the host cannot be made.

    :param connection_key: what to connect to; its ``host``, ``port`` and ``ssl`` are
        attributes here too.
    :param os_error: the operating system's error, kept as :attr:`os_error`.
    """

    def __init__(self, connection_key: Any, os_error: OSError) -> None:
        self._conn_key = connection_key
        self._os_error = os_error
        super().__init__(os_error.errno, os_error.strerror)
        self.args = (connection_key, os_error)

    @property
    def os_error(self) -> OSError:
        """The error of the operating system that this one reports."""
        return self._os_error

    @property
    def host(self) -> str:
        """The host of the URL."""
        return str(self._conn_key.host)

    @property
    def port(self) -> int | None:
        """The port of the URL."""
        port: int | None = self._conn_key.port
        return port

    @property
    def ssl(self) -> Any:
        """The request's ``ssl`` argument."""
        return self._conn_key.ssl

    def __str__(self) -> str:
        tls = "default" if self.ssl is True else self.ssl
        reason = self.strerror or str(self._os_error)
        return f"Cannot connect to host {self.host}:{self.port} ssl:{tls} [{reason}]"

    __reduce__ = BaseException.__reduce__


class ClientConnectorDNSError(ClientConnectorError):
    """The host's name cannot be resolved."""


class ClientProxyConnectionError(ClientConnectorError):
    """A connection to the proxy cannot be made, or the proxy does not connect to the server."""


class UnixClientConnectorError(ClientConnectorError):
    """A connection to the Unix socket cannot be made.

    :param path: the path of the socket, kept as :attr:`path`.
    """

    def __init__(self, path: str, connection_key: Any, os_error: OSError) -> None:
        self._path = path
        super().__init__(connection_key, os_error)
        self.args = (path, connection_key, os_error)

    @property
    def path(self) -> str:
        """The path of the socket."""
        return self._path

    def __str__(self) -> str:
        tls = "default" if self.ssl is True else self.ssl
        reason = self.strerror or str(self._os_error)
        return f"Cannot connect to unix socket {self.path} ssl:{tls} [{reason}]"


class ClientSSLError(ClientConnectorError):
    """The base of TLS errors."""


class ClientConnectorSSLError(ClientSSLError, ssl.SSLError):
    """The TLS handshake failed."""


class ClientConnectorCertificateError(ClientSSLError, ssl.SSLCertVerificationError):
    """The server's certificate is not valid for the host.

    :param certificate_error: what is wrong with it, kept as :attr:`certificate_error`.
    """

    def __init__(self, connection_key: Any, certificate_error: Exception) -> None:
        self._certificate_error = certificate_error
        os_error = (
            certificate_error
            if isinstance(certificate_error, OSError)
            else OSError(str(certificate_error))
        )
        super().__init__(connection_key, os_error)
        self.args = (connection_key, certificate_error)

    @property
    def ssl(self) -> bool:
        """Whether TLS was wanted: always true."""
        return bool(self._conn_key.is_ssl)

    @property
    def certificate_error(self) -> Exception:
        """The error of the :mod:`ssl` module that this one reports."""
        return self._certificate_error

    def __str__(self) -> str:
        return (
            f"Cannot connect to host {self.host}:{self.port} ssl:{self.ssl}"
            f" [{type(self.certificate_error).__name__}: {self.certificate_error}]"
        )


class ServerConnectionError(ClientConnectionError):
    """The base of errors for which the server is to blame."""


class ServerDisconnectedError(ServerConnectionError):
    """The server closed the connection before its response was complete.

    :param message: what came of the response, or a text; kept as :attr:`message`.
    """

    def __init__(self, message: Any = None) -> None:
        if message is None:
            message = "Server disconnected"
        super().__init__(message)
        self.message = message


class ServerTimeoutError(ServerConnectionError, asyncio.TimeoutError):
    """A timeout that names its cause; see the two classes below."""


class ConnectionTimeoutError(ServerTimeoutError):
    """No connection within ``ClientTimeout.connect`` or ``ClientTimeout.sock_connect``."""


class SocketTimeoutError(ServerTimeoutError):
    """Nothing to read within ``ClientTimeout.sock_read``."""


class ServerFingerprintMismatch(ServerConnectionError):
    """The server's certificate does not have the expected fingerprint.

    :param expected: the fingerprint that was asked for.
    :param got: the fingerprint of the server's certificate.
    """

    def __init__(self, expected: bytes, got: bytes, host: str, port: int) -> None:
        self.expected = expected
        self.got = got
        self.host = host
        self.port = port
        super().__init__(expected, got, host, port)

    def __str__(self) -> str:
        return (
            f"certificate of {self.host}:{self.port} has the fingerprint {self.got.hex()},"
            f" not the expected {self.expected.hex()}"
        )

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} expected={self.expected!r} got={self.got!r}"
            f" host={self.host!r} port={self.port!r}>"
        )


class ClientPayloadError(ClientError):
    """The body of a response ended too early or cannot be decoded, or a request's body
    cannot be sent again."""


class UploadAbortedError(ClientError):
    """The body of a request was never sent in full."""


class InvalidURL(ClientError, ValueError):
    """The URL has no host, or cannot be parsed.

    :param url: the URL, kept as :attr:`url`.
    :param description: what is wrong with it, or ``None``; kept as :attr:`description`.
    """

    def __init__(self, url: str | URL, description: str | None = None) -> None:
        self._url = url
        self._description = description
        if description:
            super().__init__(url, description)
        else:
            super().__init__(url)

    @property
    def url(self) -> str | URL:
        """The URL that cannot be used."""
        return self._url

    @property
    def description(self) -> str | None:
        """What is wrong with it."""
        return self._description

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"

    def __str__(self) -> str:
        if self._description:
            return f"{self._url} - {self._description}"
        return str(self._url)


class InvalidUrlClientError(InvalidURL):
    """The URL of a request cannot be used."""


class RedirectClientError(ClientError):
    """The base of errors about the target of a redirect."""


class NonHttpUrlClientError(ClientError):
    """The URL's scheme is not one that the connector serves."""


class InvalidUrlRedirectClientError(InvalidUrlClientError, RedirectClientError):
    """A redirect's ``Location`` is not a URL."""


class NonHttpUrlRedirectClientError(NonHttpUrlClientError, RedirectClientError):
    """A redirect leads to another scheme than ``http`` and ``https``."""
