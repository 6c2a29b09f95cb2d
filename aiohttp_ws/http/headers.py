"""Values of header fields, parsed: versions, media types, entity tags, ranges, ``Forwarded``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from .. import hdrs

if TYPE_CHECKING:
    from multidict import CIMultiDict, CIMultiDictProxy

__all__ = ("ETag", "HttpVersion", "HttpVersion10", "HttpVersion11")

ETAG_ANY: Final = "*"
DEFAULT_CONTENT_TYPE: Final = "application/octet-stream"

# RFC 9110 5.6.2 and 5.6.4.
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_PARAMETER_RE = re.compile(rf";\s*(?:({_TOKEN})\s*=\s*({_QUOTED}|[^;\"]*))?")
_MEDIA_TYPE_RE = re.compile(rf"{_TOKEN}/{_TOKEN}")
_ESCAPE_RE = re.compile(r"\\(.)")
# RFC 9110 8.8.3: an entity tag has no quotes, spaces or control characters inside.
ETAG_VALUE_RE: Final = re.compile(r'[^\x00-\x20"\x7f]*')
_ETAG_RE = re.compile(r'\s*(W/)?"([^\x00-\x20"\x7f]*)"\s*(?:,|$)')
_RANGE_RE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)
# RFC 7239 4; a port or an IPv6 address without its quotes is common and accepted.
_FORWARDED_PAIR_RE = re.compile(rf"\s*({_TOKEN})=({_TOKEN}(?::\d{{1,5}})?|{_QUOTED})\s*")

_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}


class HttpVersion(NamedTuple):
    """A version of HTTP; compares with any pair of numbers."""

    major: int
    minor: int


HttpVersion10: Final = HttpVersion(1, 0)
HttpVersion11: Final = HttpVersion(1, 1)


@dataclass(frozen=True)
class ETag:
    """An entity tag (RFC 9110 8.8.3).

    :param value: the opaque tag, without quotes; ``"*"`` in a list means any.
    :param is_weak: whether it is marked ``W/``.
    """

    __slots__ = ("is_weak", "value")

    value: str
    is_weak: bool

    def __init__(self, value: str, is_weak: bool = False) -> None:
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "is_weak", is_weak)

    def __str__(self) -> str:
        if self.value == ETAG_ANY:
            return ETAG_ANY
        return f'W/"{self.value}"' if self.is_weak else f'"{self.value}"'


def reason_of(status: int) -> str:
    """Return the usual reason phrase of *status*, ``""`` for an unknown one."""
    return _REASONS.get(status, "")


@lru_cache(maxsize=256)
def parse_content_type(raw: str) -> tuple[str, Mapping[str, str]]:
    """Split a ``Content-Type`` into media type and parameters, names in lower case.

    What is not a media type counts as ``text/plain`` (RFC 2045 5.2), an empty one as
    ``application/octet-stream``.
    """
    media_type, semicolon, rest = raw.partition(";")
    media_type = media_type.strip().lower()
    if not media_type:
        media_type = DEFAULT_CONTENT_TYPE
    elif not _MEDIA_TYPE_RE.fullmatch(media_type):
        media_type = "text/plain"
    parameters: dict[str, str] = {}
    for name, value in _PARAMETER_RE.findall(semicolon + rest):
        if name:
            # The first of two equal names wins, as in browsers.
            parameters.setdefault(name.lower(), _unquoted(value.strip()))
    return media_type, MappingProxyType(parameters)


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return _ESCAPE_RE.sub(r"\1", value[1:-1])
    return value


class ContentFields:
    """What ``Content-Type`` and ``Content-Length`` say, for objects with ``headers``."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def headers(self) -> CIMultiDict[str] | CIMultiDictProxy[str]: ...

    def _content_type_field(self) -> tuple[str, Mapping[str, str]]:
        return parse_content_type(self.headers.get(hdrs.CONTENT_TYPE, ""))

    @property
    def content_type(self) -> str:
        """The media type without parameters; ``application/octet-stream`` when not given."""
        return self._content_type_field()[0]

    @property
    def charset(self) -> str | None:
        """The ``charset`` parameter of the media type, or ``None``."""
        return self._content_type_field()[1].get("charset")

    @property
    def content_length(self) -> int | None:
        """The value of ``Content-Length``, or ``None``."""
        value = self.headers.get(hdrs.CONTENT_LENGTH)
        return None if value is None else int(value)


def parse_etags(value: str | None) -> tuple[ETag, ...] | None:
    """Parse ``If-Match`` or ``If-None-Match`` (RFC 9110 13.1.1).

    Returns ``None`` without the field; reading stops at the first malformed tag.
    """
    if value is None:
        return None
    if value.strip() == ETAG_ANY:
        return (ETag(ETAG_ANY),)
    found = []
    at = 0
    while at < len(value):
        match = _ETAG_RE.match(value, at)
        if match is None:
            break
        found.append(ETag(is_weak=bool(match[1]), value=match[2]))
        at = match.end()
    return tuple(found)


def parse_range(value: str | None) -> slice:
    """Parse ``Range`` with one range of bytes (RFC 9110 14.2) into a slice of the content.

    :raises ValueError: when *value* is not such a range.
    """
    if value is None:
        return slice(None, None, 1)
    match = _RANGE_RE.fullmatch(value.strip())
    if match is None:
        raise ValueError(f"Range {value!r} is not of the form bytes=first-last")
    first, last = match.groups()
    if first and last:
        start, end = int(first), int(last) + 1
        if start >= end:
            raise ValueError(f"Range {value!r} starts after its end")
        return slice(start, end, 1)
    if first:
        return slice(int(first), None, 1)
    if not last:
        raise ValueError(f"Range {value!r} names neither start nor end")
    return slice(-int(last), None, 1)


def parse_forwarded(values: Iterable[str]) -> tuple[Mapping[str, str], ...]:
    """Parse ``Forwarded`` fields (RFC 7239 4): one mapping for each proxy, the first met first.

    An element that is malformed gives what precedes the fault in it.
    """
    elements = []
    for value in values:
        at = 0
        while at <= len(value):
            element: dict[str, str] = {}
            at = _forwarded_element(value, at, element)
            elements.append(MappingProxyType(element))
    return tuple(elements)


def _forwarded_element(value: str, at: int, element: dict[str, str]) -> int:
    """Fill *element*; return where the next one begins."""
    while at < len(value):
        match = _FORWARDED_PAIR_RE.match(value, at)
        if match is None:
            comma = value.find(",", at)
            return len(value) + 1 if comma < 0 else comma + 1
        element[match[1].lower()] = _unquoted(match[2])
        at = match.end()
        if at >= len(value):
            break
        if value[at] == ",":
            return at + 1
        if value[at] == ";":
            at += 1
    return len(value) + 1
