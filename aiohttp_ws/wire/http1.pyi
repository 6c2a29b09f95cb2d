"""HTTP/1.1 on bytes alone (RFC 9112): parsers of requests and responses, and the serialiser.

Strict: whatever two parsers could read differently is refused.
"""

from typing import Final, final

from multidict import CIMultiDictProxy

from ..argument_types import Byteish
from .http1_head import HTTP_10 as HTTP_10
from .http1_head import HTTP_11 as HTTP_11
from .http1_head import MessageHead as MessageHead
from .http1_head import RequestHead as RequestHead
from .http1_head import ResponseHead as ResponseHead
from .serialise import LAST_CHUNK as LAST_CHUNK
from .serialise import encode_chunk as encode_chunk
from .serialise import encode_last_chunk as encode_last_chunk
from .serialise import serialise_request_head as serialise_request_head
from .serialise import serialise_response as serialise_response
from .serialise import serialise_response_head as serialise_response_head

@final
class EndOfMessage:
    """The type of :data:`END`."""

END: Final[EndOfMessage]
"""The event after the last piece of a body."""

class MessageParser:
    """What both parsers share; make a :class:`RequestParser` or a :class:`ResponseParser`.

    :param max_line_size: bytes a start line may have, its line end not counted.
    :param max_field_size: bytes a header or trailer field line may have, likewise.
    :param max_headers: fields a head, or a trailer section, may have.

    A parser that raised stays failed: it raises the same error again.
    """

    def __init__(
        self,
        *,
        max_line_size: int = 8190,
        max_field_size: int = 8190,
        max_headers: int = 128,
    ) -> None:
        """Start before the first message.

        :raises ValueError: for a limit below 1, or limits that allow a head of 2 GiB.
        """
    @property
    def paused(self) -> bool:
        """Whether parsing waits for :meth:`resume` or :meth:`take_rest` after an upgrade head."""
    @property
    def pending(self) -> int:
        """Bytes fed and not yet parsed."""
    @property
    def in_message(self) -> bool:
        """Whether a message has begun and not ended (its first byte came, or its body goes on)."""
    @property
    def trailers(self) -> CIMultiDictProxy[str]:
        """Trailer fields of the last chunked message; complete when ``END`` has come."""
    @property
    def chunk_ends(self) -> list[int] | None:
        """Where chunks end in the piece of body returned last: offsets, ``None`` for nowhere."""
    def feed(self, data: Byteish, /) -> None:
        """Give the parser bytes; it holds on to *data* until the events are drained."""
    def feed_from(self, buffer: Byteish, size: int, /) -> None:
        """Give the parser the first *size* bytes of *buffer*, without holding on to it.

        Before the buffer is used again, call :meth:`keep_rest` unless ``next_event()`` has
        returned ``None`` or raised.
        """
    def feed_eof(self) -> EndOfMessage | None:
        """Say that the peer closed; call it when ``next_event()`` has returned ``None``.

        :returns: ``END`` when that ends a read-until-close body, else ``None``.
        :raises BadHttpMessage: when the connection ended inside a head.
        :raises ContentLengthError: when it ended inside a body of known length.
        :raises TransferEncodingError: when it ended inside a chunked body.
        """
    def next_event(self) -> MessageHead | bytes | EndOfMessage | None:
        """Return the next event; each parser says more."""
    def keep_rest(self) -> None:
        """Copy what is not yet parsed, so that the memory fed last may be reused.

        For a caller that stops draining: ``next_event()`` goes on from the copy.
        """
    def resume(self) -> None:
        """Go on parsing HTTP after an upgrade head, the upgrade being declined."""
    def take_rest(self) -> bytes:
        """Return the bytes that followed the upgrade head; the parser is finished."""

@final
class RequestParser(MessageParser):
    """Bytes of a client to heads and bodies, in order (the server's side)."""

    def next_event(self) -> RequestHead | bytes | EndOfMessage | None:
        """Return the next head, piece of body or ``END``; ``None`` when more bytes are needed.

        A head whose ``has_body`` is False has neither pieces nor ``END``. After a request with
        ``upgrade`` (and its body) parsing pauses. After one without ``keep_alive`` further
        bytes are dropped (RFC 9112 9.6).

        :raises BadHttpMessage: or a subclass, its ``code`` the status to answer with.
        """

@final
class ResponseParser(MessageParser):
    """Bytes of a server to heads and bodies, in order (the client's side).

    :param lenient: read what old servers send: lines of a head that end in LF alone, empty
        lines before it, folded values, control characters but NUL in values and reasons,
        white space after a chunk's size, a second ``Host``; leave out trailers that are
        forbidden. What leaves the length of the body open is refused all the same.
    """

    def __init__(
        self,
        *,
        lenient: int = False,
        max_line_size: int = 8190,
        max_field_size: int = 8190,
        max_headers: int = 128,
    ) -> None: ...
    def expect(self, method: str, /) -> None:
        """Name the method of the request whose response comes next; ``GET`` until then.

        It decides whether a body follows (RFC 9112 6.3); interim 1xx responses leave it.
        """
    def next_event(self) -> ResponseHead | bytes | EndOfMessage | None:
        """Return the next head, piece of body or ``END``; ``None`` when more bytes are needed.

        A head whose ``has_body`` is False has neither pieces nor ``END``. After 101, or a 2xx
        to CONNECT, parsing pauses. After a response without ``keep_alive`` further bytes are
        dropped.

        :raises BadHttpMessage: or a subclass.
        """
