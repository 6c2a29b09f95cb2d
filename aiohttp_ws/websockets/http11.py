"""Requests and responses of the opening handshake, as the message API has them."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass

from ..errors.http import BadHttpMessage, LineTooLong
from ..http.software import SERVER_SOFTWARE
from ..wire.http1 import (
    HTTP_10,
    HTTP_11,
    EndOfMessage,
    MessageHead,
    MessageParser,
    RequestHead,
    RequestParser,
    ResponseHead,
    ResponseParser,
    serialise_request_head,
    serialise_response,
)
from .datastructures import Headers
from .exceptions import (
    HeaderLineTooLong,
    RequestLineTooLong,
    SecurityError,
    StatusLineTooLong,
    TooManyHeaders,
)

__all__ = ("Request", "Response")

#: The version of Python, such as ``"3.13"``.
PYTHON_VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"

#: What ``connect`` sends as ``User-Agent``; the environment's ``WEBSOCKETS_USER_AGENT``.
USER_AGENT = os.environ.get("WEBSOCKETS_USER_AGENT", SERVER_SOFTWARE)
#: What ``serve`` sends as ``Server``; the environment's ``WEBSOCKETS_SERVER``.
SERVER = os.environ.get("WEBSOCKETS_SERVER", SERVER_SOFTWARE)
#: Headers that a request or a response may have; ``WEBSOCKETS_MAX_NUM_HEADERS``.
MAX_NUM_HEADERS = int(os.environ.get("WEBSOCKETS_MAX_NUM_HEADERS", "128"))
#: Bytes that a start line or a header may have; ``WEBSOCKETS_MAX_LINE_LENGTH``.
MAX_LINE_LENGTH = int(os.environ.get("WEBSOCKETS_MAX_LINE_LENGTH", "8192"))
#: Bytes of body that are read of a response that refuses; ``WEBSOCKETS_MAX_BODY_SIZE``.
MAX_BODY_SIZE = int(os.environ.get("WEBSOCKETS_MAX_BODY_SIZE", "1_048_576"))

LIMITS = {
    "max_line_size": MAX_LINE_LENGTH,
    "max_field_size": MAX_LINE_LENGTH,
    "max_headers": MAX_NUM_HEADERS,
}

Reader = Generator[None, None, "bytes | bytearray"]
ReadLine = Callable[[int, type[Exception]], Reader]
ReadExact = Callable[[int], Reader]


def d(value: bytes | bytearray) -> str:
    """*value* as a text for error messages."""
    return value.decode(errors="backslashreplace")


@dataclass
class Request:
    """A request of the opening handshake.

    :param path: what is asked for: the path, and the query if there is one, as they travel.
    :param headers: its headers.
    :param method: GET, for a handshake.
    :param protocol: ``"HTTP/1.1"``, for a handshake.
    """

    path: str
    headers: Headers
    method: str = "GET"
    protocol: str = "HTTP/1.1"

    _exception: Exception | None = None

    @property
    def exception(self) -> Exception | None:
        """Deprecated: why the handshake failed; take ``ServerProtocol.handshake_exc``."""
        warnings.warn(
            "Request.exception is deprecated, take ServerProtocol.handshake_exc",
            DeprecationWarning,
            stacklevel=2,
        )
        return self._exception

    @classmethod
    def of_head(cls, head: RequestHead) -> Request:
        """What :class:`~aiohttp_ws.wire.http1.RequestParser` found."""
        protocol = "HTTP/1.1" if head.version == HTTP_11 else "HTTP/1.0"
        return cls(head.target, Headers.from_raw(head.raw_headers), head.method, protocol)

    @classmethod
    def parse(cls, read_line: ReadLine) -> Generator[None, None, Request]:
        """Read a request's head, as a generator that yields where bytes are missing.

        :param read_line: makes a generator that returns a line with its end; it is given the
            most bytes a line may have and the exception to raise for more.
        :raises EOFError: the connection ended inside the head.
        :raises RequestLineTooLong: or :exc:`HeaderLineTooLong`, :exc:`TooManyHeaders`: a limit
            is exceeded.
        :raises ValueError: the head is not valid HTTP/1.1 (RFC 9112), or a body follows it.
        :raises NotImplementedError: a body with a ``Transfer-Encoding`` follows it.
        """
        parser = RequestParser(**LIMITS)
        head = yield from _read_head(parser, read_line, RequestLineTooLong, "request line")
        assert isinstance(head, RequestHead)
        request = cls.of_head(head)
        if head.chunked:
            raise NotImplementedError("a request with Transfer-Encoding opens no WebSocket")
        if head.has_body:
            raise ValueError("a request with a body opens no WebSocket")
        return request

    def serialize(self) -> bytes:
        """The request as it travels.

        :raises ValueError: the method, the path or a header is none that HTTP can carry.
        """
        version = HTTP_10 if self.protocol == "HTTP/1.0" else HTTP_11
        return serialise_request_head(
            self.method, self.path, version, for_wire(self.headers.raw_items())
        )


@dataclass
class Response:
    """The response of an opening handshake, or another that a server gives instead.

    :param status_code: its status; 101 opens the WebSocket.
    :param reason_phrase: what the status means, such as ``"Not Found"``.
    :param headers: its headers.
    :param body: its body, empty with 101.
    """

    status_code: int
    reason_phrase: str
    headers: Headers
    body: bytes | bytearray = b""

    _exception: Exception | None = None

    @property
    def exception(self) -> Exception | None:
        """Deprecated: why the handshake failed; take ``ClientProtocol.handshake_exc``."""
        warnings.warn(
            "Response.exception is deprecated, take ClientProtocol.handshake_exc",
            DeprecationWarning,
            stacklevel=2,
        )
        return self._exception

    @classmethod
    def of_head(cls, head: ResponseHead, body: bytes = b"") -> Response:
        """What :class:`~aiohttp_ws.wire.http1.ResponseParser` found."""
        reason = head.reason.encode("utf-8", "surrogateescape").decode("latin-1")
        return cls(head.status, reason, Headers.from_raw(head.raw_headers), body)

    @classmethod
    def parse(
        cls,
        read_line: ReadLine,
        read_exact: ReadExact,
        read_to_eof: ReadLine,
        proxy: bool = False,
    ) -> Generator[None, None, Response]:
        """Read a response, as a generator that yields where bytes are missing.

        :param read_line: as for :meth:`Request.parse`.
        :param read_exact: makes a generator that returns as many bytes as it is asked for.
        :param read_to_eof: makes a generator that returns all bytes to the end; arguments as
            of *read_line*.
        :param proxy: it is the answer of a proxy to CONNECT: HTTP/1.0 will do, and its body is
            left unread.
        :raises EOFError: the connection ended inside the response.
        :raises StatusLineTooLong: or :exc:`HeaderLineTooLong`, :exc:`TooManyHeaders`,
            :exc:`SecurityError`: a limit is exceeded.
        :raises ValueError: the response is not valid HTTP/1.1 (RFC 9112).
        """
        parser = ResponseParser(**LIMITS)
        head = yield from _read_head(parser, read_line, StatusLineTooLong, "status line")
        assert isinstance(head, ResponseHead)
        if head.version != HTTP_11 and not proxy:
            raise ValueError("unsupported protocol; expected HTTP/1.1: HTTP/1.0")
        if proxy or not head.has_body:
            return cls.of_head(head)
        if head.chunked:
            body = yield from _read_chunks(parser, read_line, read_exact)
        elif head.until_close:
            body = bytes((yield from read_to_eof(MAX_BODY_SIZE, SecurityError)))
        else:
            check_body_size(head.content_length)
            body = bytes((yield from read_exact(head.content_length)))
        return cls.of_head(head, body)

    def serialize(self) -> bytes:
        """The response as it travels.

        :raises ValueError: the status, the reason or a header is none that HTTP can carry.
        """
        head = serialise_response(
            self.status_code, _utf8(self.reason_phrase), HTTP_11, for_wire(self.headers.raw_items())
        )
        return head + self.body


# --------------------------------------------------------------------- between two parsers


def _utf8(text: str) -> str:
    """The text that the serialiser, which writes UTF-8, turns into *text* in ISO-8859-1."""
    return text if text.isascii() else text.encode("latin-1").decode("utf-8", "surrogateescape")


def for_wire(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """*headers* as the serialiser takes them, for what is in them to travel in ISO-8859-1."""
    return [(name, value if value.isascii() else _utf8(value)) for name, value in headers]


def check_body_size(size: int) -> None:
    """Refuse a body of *size* bytes when that is too much.

    :raises SecurityError: for more than :data:`MAX_BODY_SIZE`.
    """
    if size > MAX_BODY_SIZE:
        raise SecurityError(
            f"body of {size} bytes exceeds MAX_BODY_SIZE={MAX_BODY_SIZE}; set"
            " WEBSOCKETS_MAX_BODY_SIZE to accept it"
        )


def limit_error(exc: LineTooLong, first_line: type[SecurityError]) -> SecurityError:
    """What a parser with :data:`LIMITS` refuses, as this API raises it.

    :param first_line: the exception for a first line that is too long.
    """
    if exc.limit == "max_headers":
        return TooManyHeaders(
            f"header {exc.excerpt} is one more than WEBSOCKETS_MAX_NUM_HEADERS={exc.maximum};"
            " raise it to accept this header"
        )
    kind = first_line if exc.limit == "max_line_size" else HeaderLineTooLong
    return kind(
        f"line {exc.excerpt}... exceeds WEBSOCKETS_MAX_LINE_LENGTH={exc.maximum} bytes;"
        " raise it to accept this line"
    )


def parse_event(
    parser: MessageParser, data: bytes | bytearray, first_line: type[SecurityError]
) -> MessageHead | bytes | None:
    """Feed *parser*; the next event, ``None`` for none, and ``b""`` for the message's end.

    :raises SecurityError: a limit is exceeded.
    :raises ValueError: what *parser* refuses else.
    """
    try:
        parser.feed(data)
        event = parser.next_event()
    except LineTooLong as exc:
        raise limit_error(exc, first_line) from exc
    except BadHttpMessage as exc:
        raise ValueError(str(exc)) from exc
    return b"" if isinstance(event, EndOfMessage) else event


def _read_head(
    parser: MessageParser,
    read_line: ReadLine,
    first_line: type[SecurityError],
    name: str,
) -> Generator[None, None, MessageHead]:
    too_long = first_line
    while True:  # The parser counts the lines.
        try:
            line = yield from read_line(MAX_LINE_LENGTH, too_long)
        except EOFError as exc:
            raise EOFError(f"connection closed while reading HTTP {name}") from exc
        event = parse_event(parser, line, first_line)
        if isinstance(event, MessageHead):
            return event
        too_long, name = HeaderLineTooLong, "headers"


def _read_chunks(
    parser: MessageParser, read_line: ReadLine, read_exact: ReadExact
) -> Generator[None, None, bytes]:
    body = bytearray()
    in_trailers = False
    while True:
        line = yield from read_line(MAX_LINE_LENGTH, SecurityError)
        if parse_event(parser, line, SecurityError) == b"":
            return bytes(body)
        # The parser has taken the line: it begins with digits, or is a trailer.
        size = 0 if in_trailers else int(line.partition(b";")[0], 16)
        if size == 0:
            in_trailers = True
            continue
        check_body_size(len(body) + size)
        piece = parse_event(parser, (yield from read_exact(size + 2)), SecurityError)
        assert isinstance(piece, bytes)
        body += piece
