"""The heads of HTTP/1.1 messages, as the parsers of :mod:`aiohttp_ws.wire.http1` make them."""

from typing import Final, final

from multidict import CIMultiDictProxy

from ..argument_types import RawHeaders

HTTP_10: Final[tuple[int, int]]
"""``(1, 0)``: the very object every HTTP/1.0 head has as its ``version``."""
HTTP_11: Final[tuple[int, int]]
"""``(1, 1)``: the very object every HTTP/1.1 head has as its ``version``."""

class MessageHead:
    """Start line and header fields of one message, its framing already decided.

    Header objects are built when first asked for; everything else is ready.
    """

    @property
    def version(self) -> tuple[int, int]:
        """:data:`HTTP_10` or :data:`HTTP_11`."""
    @property
    def raw_headers(self) -> RawHeaders:
        """Names and values as received, in order, outer whitespace of values removed."""
    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The fields in order, values decoded from UTF-8 with ``surrogateescape``."""
    @property
    def keep_alive(self) -> bool:
        """Whether the peer lets another message follow on the connection (RFC 9112 9.3)."""
    @property
    def upgrade(self) -> bool:
        """Whether the connection may leave HTTP after this message.

        For a request: ``Connection: upgrade`` with an ``Upgrade`` field, or CONNECT. For a
        response: status 101, or a 2xx that answers CONNECT.
        """
    @property
    def chunked(self) -> bool:
        """Whether the body has chunked framing (RFC 9112 7.1)."""
    @property
    def content_length(self) -> int:
        """The value of ``Content-Length``, or -1 without one."""
    @property
    def has_body(self) -> bool:
        """Whether pieces of body and ``END`` follow this head.

        False also for ``Content-Length: 0``.
        """
    @property
    def content_encoding(self) -> str | None:
        """``Content-Encoding`` in lower case, or ``None`` without one."""
    def first(self, name: str) -> str | None:
        """Return the first value of field *name* without building :attr:`headers`.

        *name* is compared without case; ``None`` when the field is absent.
        """

@final
class RequestHead(MessageHead):
    """The head of a request."""

    @property
    def method(self) -> str:
        """The method, such as ``"GET"``; an unknown one is a token in upper case."""
    @property
    def target(self) -> str:
        """The request target as received (RFC 9112 3.2)."""
    @property
    def path(self) -> str:
        """The raw path: what precedes the first ``?``; of an absolute target its path.

        ``"*"`` for ``OPTIONS *``, ``host:port`` for CONNECT.
        """
    @property
    def query_string(self) -> str:
        """The raw query: what follows the first ``?``, or ``""``."""
    @property
    def expect_continue(self) -> bool:
        """Whether the client waits for ``100 Continue`` before the body (RFC 9110 10.1.1)."""
    @property
    def expect(self) -> str | None:
        """The value of ``Expect``, or ``None``; anything but 100-continue deserves a 417."""
    @property
    def host(self) -> str:
        """The value of ``Host``, valid as ``host[:port]``; ``""`` when HTTP/1.0 sent none."""

@final
class ResponseHead(MessageHead):
    """The head of a response."""

    @property
    def status(self) -> int:
        """The status code, 100 to 999."""
    @property
    def reason(self) -> str:
        """The reason phrase; may be ``""``."""
    @property
    def until_close(self) -> bool:
        """Whether the body ends with the connection (RFC 9112 6.3, rule 8)."""
