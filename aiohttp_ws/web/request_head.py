"""A request head that was not parsed: that of a clone, or of a test's request."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from multidict import CIMultiDictProxy

from ..argument_types import RawHeaders
from ..wire.http1 import RequestHead

if TYPE_CHECKING:
    from yarl import URL

__all__ = (
    "HEADS",
    "AnyRequestHead",
    "PlainRequestHead",
    "RawRequestMessage",
    "as_head",
    "copy_head",
)


class RawRequestMessage(NamedTuple):
    """A request head as aiohttp has it, of which tests and adapters make requests themselves."""

    method: str
    #: The request target: path and query.
    path: str
    version: tuple[int, int]
    headers: CIMultiDictProxy[str]
    raw_headers: RawHeaders
    should_close: bool
    compression: str | None
    upgrade: bool
    chunked: bool
    url: URL


@dataclass(slots=True)
class PlainRequestHead:
    """The attributes of :class:`~aiohttp_ws.wire.http1.RequestHead`, as plain values."""

    method: str
    path: str
    query_string: str
    version: tuple[int, int]
    headers: CIMultiDictProxy[str]
    raw_headers: RawHeaders
    keep_alive: bool
    upgrade: bool = False
    chunked: bool = False
    content_length: int = -1
    has_body: bool = False

    @property
    def target(self) -> str:
        """The request target."""
        return f"{self.path}?{self.query_string}" if self.query_string else self.path

    @property
    def host(self) -> str:
        """The value of ``Host``, or ``""``."""
        return self.headers.get("Host", "")

    @property
    def expect(self) -> str | None:
        """The value of ``Expect``, or ``None``."""
        return self.headers.get("Expect")

    @property
    def expect_continue(self) -> bool:
        """Whether the client waits for ``100 Continue`` before the body."""
        return (self.expect or "").lower() == "100-continue" and self.version >= (1, 1)

    @property
    def content_encoding(self) -> str | None:
        """``Content-Encoding`` in lower case, or ``None``."""
        value = self.headers.get("Content-Encoding")
        return None if value is None else value.lower()

    def _replace(self, **changes: Any) -> PlainRequestHead:
        """Return a copy with some attributes replaced, as aiohttp's heads do."""
        if "should_close" in changes:
            changes["keep_alive"] = not changes.pop("should_close")
        return replace(self, **changes)

    def first(self, name: str, /) -> str | None:
        """Return the first value of field *name*, or ``None``."""
        return self.headers.get(name)


AnyRequestHead: TypeAlias = RequestHead | PlainRequestHead
HEADS = (RequestHead, PlainRequestHead)


def copy_head(head: AnyRequestHead) -> PlainRequestHead:
    """Return a copy of *head* whose attributes can be set."""
    return PlainRequestHead(
        method=head.method,
        path=head.path,
        query_string=head.query_string,
        version=head.version,
        headers=head.headers,
        raw_headers=head.raw_headers,
        keep_alive=head.keep_alive,
        upgrade=head.upgrade,
        chunked=head.chunked,
        content_length=head.content_length,
        has_body=head.has_body,
    )


def as_head(message: RawRequestMessage) -> PlainRequestHead:
    """Return the head that *message*, or what has its attributes, tells of."""
    path, _, query_string = message.path.partition("?")
    return PlainRequestHead(
        method=message.method,
        path=path,
        query_string=query_string,
        version=message.version,
        headers=message.headers,
        raw_headers=message.raw_headers,
        keep_alive=not message.should_close,
        upgrade=message.upgrade,
        chunked=message.chunked,
        has_body=message.chunked or "Content-Length" in message.headers,
    )
