"""Every exception a user can see, by the part of the package that raises it.

The HTTP exceptions a handler raises as answers (``HTTPNotFound`` and its family) are
responses too and live in :mod:`aiohttp_ws.web`.
"""

from __future__ import annotations

__all__ = (
    "BadHttpMessage",
    "BadHttpMethod",
    "BadStatusLine",
    "ContentEncodingError",
    "ContentLengthError",
    "HandshakeError",
    "HttpProcessingError",
    "InvalidHeader",
    "InvalidURLError",
    "LineTooLong",
    "PayloadEncodingError",
    "TransferEncodingError",
    "WSMessageTypeError",
    "WebSocketError",
)

# ----------------------------------------------------------------- HTTP/1.1 messages


class HttpProcessingError(Exception):
    """An HTTP message cannot be handled; a server answers it with :attr:`code`.

    :param code: the HTTP status a server answers with.
    :param message: what is wrong, naming the value and the limit.
    :param headers: headers to add to that answer, or ``None``.
    """

    code = 400
    message = ""
    headers = None

    def __init__(
        self, *, code: int | None = None, message: str = "", headers: object = None
    ) -> None:
        if code is not None:
            self.code = code
        self.headers = headers  # type: ignore[assignment]
        self.message = message
        super().__init__(f"{self.code}, message={message!r}")


class BadHttpMessage(HttpProcessingError):
    """The peer's message breaks HTTP/1.1 (RFC 9112); the connection is closed after it."""

    code = 400

    def __init__(self, message: str, *, code: int | None = None, headers: object = None) -> None:
        super().__init__(code=code, message=message, headers=headers)

    def __str__(self) -> str:
        return self.message


class BadHttpMethod(BadHttpMessage):
    """The request line has no valid method token."""


class BadStatusLine(BadHttpMessage):
    """The first line of a request or a response is malformed (RFC 9112 3 and 4)."""


class InvalidURLError(BadHttpMessage):
    """The request target has none of the forms that its method allows (RFC 9112 3.2)."""


class InvalidHeader(BadHttpMessage):
    """A header field is malformed, or contradicts another (RFC 9112 5 and 6)."""


class LineTooLong(BadHttpMessage):
    """A line, a field or the number of fields exceeds its limit.

    Raise ``max_line_size``, ``max_field_size`` or ``max_headers`` to accept it.
    """


class PayloadEncodingError(BadHttpMessage):
    """The body of a message cannot be decoded."""


class ContentEncodingError(PayloadEncodingError):
    """The body is not valid for its ``Content-Encoding``, or inflates beyond its limit."""


class TransferEncodingError(PayloadEncodingError):
    """The chunked framing of a body is malformed (RFC 9112 7.1)."""


class ContentLengthError(PayloadEncodingError):
    """The connection ended before ``Content-Length`` bytes of body had come."""


# --------------------------------------------------------------------- WebSocket


class WebSocketError(Exception):
    """The peer broke the WebSocket protocol; the connection is closed with :attr:`code`.

    :param code: the close code, a :class:`~aiohttp_ws.WSCloseCode` (RFC 6455 7.4.1).
    :param message: what is wrong, naming the value, the limit and the remedy.
    """

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(code, message)

    def __str__(self) -> str:
        return str(self.args[1])


class WSMessageTypeError(TypeError):
    """``receive_str()``, ``receive_bytes()`` or ``receive_json()`` met another type of message."""


class HandshakeError(Exception):
    """An opening handshake that RFC 6455 4 says to refuse.

    :param status: the HTTP status a server refuses it with (400, 403, 405 or 426).
    :param message: the reason, naming the header and its value.
    :param headers: headers the refusal carries, such as ``Sec-WebSocket-Version: 13``.
    """

    def __init__(
        self, message: str, *, status: int = 400, headers: dict[str, str] | None = None
    ) -> None:
        self.status = status
        self.message = message
        self.headers = headers or {}
        super().__init__(message)
