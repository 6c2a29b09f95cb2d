"""Messages that break HTTP/1.1, and bodies that cannot be read."""

from __future__ import annotations

__all__ = (
    "BadHttpMessage",
    "BadHttpMethod",
    "BadStatusLine",
    "ContentEncodingError",
    "ContentLengthError",
    "HttpProcessingError",
    "InvalidHeader",
    "InvalidURLError",
    "LineTooLong",
    "MultipartError",
    "PayloadAccessError",
    "PayloadEncodingError",
    "RequestMultipartError",
    "RequestPayloadError",
    "TransferEncodingError",
)


class HttpProcessingError(Exception):
    """An HTTP message cannot be handled; a server answers it with :attr:`code`.

    :param code: the HTTP status a server answers with.
    :param message: what is wrong, naming the value and the limit.
    :param headers: headers to add to that answer, or ``None``.
    """

    code = 400
    message = ""
    headers: object = None

    def __init__(
        self, *, code: int | None = None, message: str = "", headers: object = None
    ) -> None:
        if code is not None:
            self.code = code
        self.headers = headers
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

    :param limit: the name of the limit that is exceeded; kept as :attr:`limit`.
    :param maximum: what it is set to, in bytes or fields; kept as :attr:`maximum`.
    :param excerpt: how what exceeds it begins, quoted; kept as :attr:`excerpt`.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        headers: object = None,
        limit: str | None = None,
        maximum: int | None = None,
        excerpt: str = "",
    ) -> None:
        super().__init__(message, code=code, headers=headers)
        self.limit = limit
        self.maximum = maximum
        self.excerpt = excerpt


class PayloadEncodingError(BadHttpMessage):
    """The body of a message cannot be decoded."""


class ContentEncodingError(PayloadEncodingError):
    """The body is not valid for its ``Content-Encoding``, or inflates beyond its limit."""


class TransferEncodingError(PayloadEncodingError):
    """The chunked framing of a body is malformed (RFC 9112 7.1)."""


class ContentLengthError(PayloadEncodingError):
    """The connection ended before ``Content-Length`` bytes of body had come."""


class MultipartError(BadHttpMessage, ValueError, RuntimeError):
    """A multipart body is malformed, names a coding that is unknown, or exceeds a limit.

    It is all that aiohttp raises then: :exc:`ValueError` for most, :exc:`RuntimeError` for
    codings, :exc:`BadHttpMessage` for the headers of a part.
    """


class PayloadAccessError(Exception):
    """The body of a request is read after its handler has returned."""


class RequestPayloadError(Exception):
    """The body of a request broke off, or cannot be decoded; unhandled, it is answered with 400."""


class RequestMultipartError(MultipartError, RequestPayloadError):
    """The multipart body of a request is malformed; unhandled, it is answered with 400."""
