"""Errors of the frame API: ``ws_connect``, ``ws_create_server`` and their transports."""

from __future__ import annotations

from http import HTTPStatus
from typing import Protocol

from multidict import CIMultiDict

from ..argument_types import Byteish

__all__ = (
    "WSError",
    "WSHandshakeError",
    "WSInvalidHeaderError",
    "WSInvalidMessageError",
    "WSInvalidStatusError",
    "WSInvalidURL",
    "WSInvalidUpgradeError",
    "WSProtocolError",
    "WSProxyError",
)


class ReceivedResponse(Protocol):
    """A :class:`~aiohttp_ws.WSUpgradeResponse`, which belongs to a floor above the exceptions."""

    version: bytes
    status: HTTPStatus | int
    headers: CIMultiDict[str]
    body: Byteish | None


class WSError(Exception):
    """The base of what the frame API raises about a URL, a handshake or a frame."""


class WSHandshakeError(WSError):
    """``ws_connect`` got no valid opening handshake (RFC 6455 4.1).

    :param description: what is wrong, naming the value; the text of the error.
    :param raw_header: the head of the response as received, its blank line not included,
        or ``None``; kept as :attr:`raw_header`.
    :param raw_body: what came of its body, or ``None``; kept as :attr:`raw_body`.
    :param response: the :class:`~aiohttp_ws.WSUpgradeResponse`, as far as it was understood, or
        ``None``; kept as :attr:`response`.
    """

    def __init__(
        self,
        description: str,
        raw_header: bytes | None = None,
        raw_body: bytes | None = None,
        response: ReceivedResponse | None = None,
    ) -> None:
        super().__init__(description)
        self.raw_header = raw_header
        self.raw_body = raw_body
        self.response = response

    def __str__(self) -> str:
        return str(self.args[0])


class WSProxyError(WSHandshakeError):
    """The proxy did not connect to the server: it refused, answered wrongly or not at all.

    Parameters are those of :exc:`WSHandshakeError`, about the answer of an HTTP proxy.
    """


class WSInvalidStatusError(WSHandshakeError):
    """The server answered with another status than 101: it refuses the connection, or it
    redirects further than ``max_redirects`` allows."""


class WSInvalidMessageError(WSHandshakeError):
    """The answer is not valid HTTP/1.1, or ended too early."""


class WSInvalidHeaderError(WSHandshakeError):
    """A header of the answer is missing or has a value that RFC 6455 4.1 forbids.

    :param description: what is wrong, naming the value; the text of the error.
    :param name: the name of the header; kept as :attr:`name`.
    :param value: its value, ``None`` when it is missing; kept as :attr:`value`.
    :param raw_header: these three as in :exc:`WSHandshakeError`.
    """

    def __init__(
        self,
        description: str,
        name: str,
        value: str | None = None,
        raw_header: bytes | None = None,
        raw_body: bytes | None = None,
        response: ReceivedResponse | None = None,
    ) -> None:
        super().__init__(description, raw_header, raw_body, response)
        self.args = (description, name, value)
        self.name = name
        self.value = value


class WSInvalidUpgradeError(WSInvalidHeaderError):
    """The ``Upgrade`` or ``Connection`` header does not switch to the WebSocket protocol."""


class WSInvalidURL(WSError):
    """``ws_connect`` cannot connect to the URL (RFC 6455 3).

    The text of the error leaves out the user and the password.

    :param url: the URL; kept as :attr:`url`.
    :param msg: what is wrong with it.
    """

    def __init__(self, url: str, msg: str) -> None:
        super().__init__(url, msg)
        self.url = url

    def __str__(self) -> str:
        url, msg = self.args
        if isinstance(url, str):
            # A password is not for logs.
            scheme, slashes, rest = url.partition("//")
            if "@" in rest:
                url = f"{scheme}{slashes}...@{rest.rpartition('@')[2]}"
        return f"{url!r} is not a valid URL: {msg}"


class WSProtocolError(WSError):
    """A frame breaks the protocol, or exceeds ``max_frame_size``.

    The connection is closed with :attr:`code`. A listener may raise it to close the
    connection with a code of its own.

    :param code: the close code, a :class:`~aiohttp_ws.WSCloseCode` or an integer from 3000 to
        4999 (RFC 6455 7.4); kept as :attr:`code`.
    :param message: the reason, sent in the close frame: at most 123 bytes of UTF-8 reach the
        peer; kept as :attr:`message`.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self.message
