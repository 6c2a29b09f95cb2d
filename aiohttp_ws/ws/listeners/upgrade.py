"""The two messages of an opening handshake, as listener factories see and make them."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from multidict import CIMultiDict

from ...argument_types import Byteish, LooseHeaders
from ...wire.http1 import HTTP_10, HTTP_11, RequestHead, ResponseHead, serialise_response

if TYPE_CHECKING:
    from .frame import WSListener

__all__ = ("WSUpgradeRequest", "WSUpgradeResponse", "WSUpgradeResponseWithListener")

VERSIONS = {HTTP_10: b"HTTP/1.0", HTTP_11: b"HTTP/1.1"}
VERSION_PAIRS = {name: pair for pair, name in VERSIONS.items()}


class WSUpgradeRequest:
    """The request of an opening handshake (RFC 6455 4.1)."""

    __slots__ = ("_head", "_headers", "_method", "_path", "_version")

    def __init__(self) -> None:
        """Make the request ``GET / HTTP/1.1`` without headers; every attribute can be set."""
        self._head: RequestHead | None = None
        self._method: bytes | None = b"GET"
        self._path: bytes | None = b"/"
        self._version: bytes | None = b"HTTP/1.1"
        self._headers: CIMultiDict[str] | None = None

    @classmethod
    def _of(cls, head: RequestHead) -> WSUpgradeRequest:
        """The request that *head* is; what it holds is made when first asked for."""
        self = cls.__new__(cls)
        self._head = head
        self._method = self._path = self._version = self._headers = None
        return self

    @property
    def method(self) -> bytes:
        """The method, such as ``b"GET"``."""
        if self._method is None:
            self._method = b"GET" if self._head is None else self._head.method.encode()
        return self._method

    @method.setter
    def method(self, value: bytes) -> None:
        self._method = value

    @property
    def path(self) -> bytes:
        """The path and the query as received, such as ``b"/ws?room=1"``."""
        if self._path is None:
            self._path = b"/" if self._head is None else path_and_query(self._head)
        return self._path

    @path.setter
    def path(self, value: bytes) -> None:
        self._path = value

    @property
    def version(self) -> bytes:
        """The version of HTTP: ``b"HTTP/1.1"`` or ``b"HTTP/1.0"``."""
        if self._version is None:
            self._version = VERSIONS[HTTP_11 if self._head is None else self._head.version]
        return self._version

    @version.setter
    def version(self, value: bytes) -> None:
        self._version = value

    @property
    def headers(self) -> CIMultiDict[str]:
        """The headers in order, their names compared without case."""
        if self._headers is None:
            self._headers = CIMultiDict() if self._head is None else CIMultiDict(self._head.headers)
        return self._headers

    @headers.setter
    def headers(self, value: CIMultiDict[str]) -> None:
        self._headers = value

    def __repr__(self) -> str:
        start = b"%b %b %b" % (self.method, self.path, self.version)
        return f"<{type(self).__name__} {start.decode(errors='replace')}>"


def path_and_query(head: RequestHead) -> bytes:
    target = head.target
    if not target.startswith("/"):
        # RFC 9112 3.2.2: a server accepts the absolute form, "GET http://host/ws HTTP/1.1".
        target = f"{head.path}?{head.query_string}" if head.query_string else head.path
    return target.encode("utf-8", "surrogateescape")


class WSUpgradeResponse:
    """The response of an opening handshake; listener factories make it with ``create_*``."""

    __slots__ = ("body", "headers", "status", "version")

    #: The version of HTTP: ``b"HTTP/1.1"`` or ``b"HTTP/1.0"``.
    version: bytes
    #: The status; a plain integer where :class:`http.HTTPStatus` has no such member.
    status: HTTPStatus | int
    #: The headers, their names compared without case.
    headers: CIMultiDict[str]
    #: The body, or ``None``.
    body: Byteish | None

    def __init__(self) -> None:
        """Make the response ``HTTP/1.1 200 OK``, empty; every attribute can be set."""
        self.version = b"HTTP/1.1"
        self.status = HTTPStatus.OK
        self.headers = CIMultiDict()
        self.body = None

    @classmethod
    def _of(cls, head: ResponseHead, body: bytes | None = None) -> WSUpgradeResponse:
        """The response that *head* and *body* are."""
        self = cls.__new__(cls)
        self.version = VERSIONS[head.version]
        self.status = known_status(head.status)
        self.headers = CIMultiDict(head.headers)
        self.body = body
        return self

    @classmethod
    def create_ok_response(
        cls, body: Byteish | None = None, extra_headers: LooseHeaders | None = None
    ) -> WSUpgradeResponse:
        """Return a response with status 200, for requests that want no WebSocket.

        :param body: what the client is to read.
        :param extra_headers: headers to send. ``Content-Type`` is
            ``text/plain; charset=utf-8`` unless one is among them.
        :raises TypeError: when *body* is not a bytes-like object.
        """
        response = cls._with(HTTPStatus.OK, body, extra_headers)
        response.headers.setdefault("Content-Type", "text/plain; charset=utf-8")
        return response

    @classmethod
    def create_error_response(
        cls,
        status: int | HTTPStatus,
        body: Byteish | None = None,
        extra_headers: LooseHeaders | None = None,
    ) -> WSUpgradeResponse:
        """Return a response that refuses the connection.

        :param status: 400 to 599.
        :param body: the reason, for a person to read.
        :param extra_headers: headers to send. ``Content-Type`` is
            ``text/plain; charset=utf-8`` unless one is among them.
        :raises ValueError: when *status* is not an error.
        :raises TypeError: when *body* is not a bytes-like object.
        """
        if not 400 <= status <= 599:
            raise ValueError(f"status {int(status)} is not an error; pass one from 400 to 599")
        return cls._with(status, body, extra_headers)

    @classmethod
    def create_redirect_response(
        cls,
        status: int | HTTPStatus,
        location: str,
        extra_headers: LooseHeaders | None = None,
    ) -> WSUpgradeResponse:
        """Return a response that sends the client to another URL.

        :param status: 300 to 399, but 304: 302 or 307 for once, 301 or 308 for good.
        :param location: that URL, absolute or relative to the one asked for.
        :param extra_headers: headers to send besides ``Location``.
        :raises ValueError: when *status* is not a redirect.
        """
        if not 300 <= status <= 399 or status == HTTPStatus.NOT_MODIFIED:
            raise ValueError(
                f"status {int(status)} is not a redirect; pass one from 300 to 399, but 304"
            )
        response = cls._with(status, None, extra_headers)
        response.headers["Location"] = location
        return response

    @classmethod
    def create_101_response(cls, extra_headers: LooseHeaders | None = None) -> WSUpgradeResponse:
        """Return a response that accepts the connection.

        The server adds what answers the request: ``Sec-WebSocket-Accept``.

        :param extra_headers: headers to send besides, such as ``Sec-WebSocket-Protocol``.
        """
        response = cls._with(HTTPStatus.SWITCHING_PROTOCOLS, None, extra_headers)
        response.headers["Connection"] = "Upgrade"
        response.headers["Upgrade"] = "websocket"
        return response

    @classmethod
    def _with(
        cls, status: int, body: Byteish | None, extra_headers: LooseHeaders | None
    ) -> WSUpgradeResponse:
        if body is not None and not isinstance(body, (bytes, bytearray, memoryview)):
            raise TypeError(f"body {body!r} is not a bytes-like object; encode it")
        self = cls()
        self.status = known_status(status)
        self.body = body
        if extra_headers is not None:
            self.headers.extend(extra_headers)
        return self

    def to_bytes(self) -> bytes:
        """Return the response as it travels, ``Content-Length`` added.

        :raises ValueError: when a header's name or value holds a line break or another
            control character, when the status has no body (RFC 9110 6.4.1) and there is one,
            and when ``Content-Length`` or ``Transfer-Encoding`` contradict the body.
        :raises TypeError: when a header's value is not a str.
        """
        pair = VERSION_PAIRS.get(self.version)
        if pair is None:
            raise ValueError(f"version {self.version!r} is neither b'HTTP/1.1' nor b'HTTP/1.0'")
        phrase = self.status.phrase if isinstance(self.status, HTTPStatus) else ""
        headers = framed(self.status, self.headers, self.body)
        body = bytes(self.body) if self.body else None
        return serialise_response(self.status, phrase, pair, headers, body)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {int(self.status)}>"


def known_status(status: int) -> HTTPStatus | int:
    try:
        return HTTPStatus(status)
    except ValueError:
        return int(status)


def framed(status: int, headers: CIMultiDict[str], body: Byteish | None) -> CIMultiDict[str]:
    """*headers*, and those that say how long *body* is."""
    size = memoryview(body).nbytes if body is not None else 0
    has_no_body = status < 200 or status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
    if has_no_body and size:
        raise ValueError(
            f"a response with status {int(status)} has no body, and this one has {size} bytes"
        )
    if "Transfer-Encoding" in headers:
        raise ValueError("Transfer-Encoding is not for this response: Content-Length frames it")
    stated = headers.getall("Content-Length", [])
    if has_no_body:
        if stated:
            raise ValueError(f"a response with status {int(status)} has no Content-Length")
        return headers
    if any(each != str(size) for each in stated):
        raise ValueError(
            f"Content-Length: {', '.join(stated)} contradicts a body of {size} bytes; leave it out"
        )
    headers = headers.copy()
    headers["Content-Length"] = str(size)
    if size:
        headers.setdefault("Content-Type", "text/plain; charset=utf-8")
    return headers


class WSUpgradeResponseWithListener:
    """What a listener factory returns to choose the response and the listener.

    :param response: the response to send.
    :param listener: the listener of the connection, for a response with status 101; ``None``
        for an error. Any other status makes no use of it.
    :raises ValueError: when the status is 101 and there is no listener, or an error, 400 or more,
        and there is one.
    """

    __slots__ = ("listener", "response")

    def __init__(self, response: WSUpgradeResponse, listener: WSListener | None) -> None:
        if response.status == HTTPStatus.SWITCHING_PROTOCOLS and listener is None:
            raise ValueError("a response with status 101 needs a listener, and it is None")
        if response.status >= HTTPStatus.BAD_REQUEST and listener is not None:
            raise ValueError(
                f"a response with status {int(response.status)} has no connection for a listener;"
                " pass None"
            )
        self.response = response
        self.listener = listener

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.response!r} {self.listener!r}>"
