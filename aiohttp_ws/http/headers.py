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
from .field_values import FieldScanner, is_token

if TYPE_CHECKING:
    from multidict import CIMultiDict, CIMultiDictProxy

__all__ = ("ETag", "HttpVersion", "HttpVersion10", "HttpVersion11")

ETAG_ANY: Final = "*"
DEFAULT_CONTENT_TYPE: Final = "application/octet-stream"

# RFC 9110 8.8.3: an entity tag has no quotes, spaces or control characters inside.
ETAG_VALUE_RE: Final = re.compile(r'[^\x00-\x20"\x7f]*')
_ETAG_RE = re.compile(r'\s*(W/)?"([^\x00-\x20"\x7f]*)"\s*(?:,|$)')
# RFC 9110 14.1: units are compared without case.
_RANGE_RE = re.compile(r"bytes=([0-9]*)-([0-9]*)", re.IGNORECASE)
_PORT_RE = re.compile(r":[0-9]{1,5}")

#: The usual reason phrase of each status, and a sentence that explains it.
RESPONSES: Final[dict[int, tuple[str, str]]] = {
    status: (status.phrase, status.description) for status in HTTPStatus
}


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
    return RESPONSES.get(status, ("", ""))[0]


@lru_cache(maxsize=256)
def parse_content_type(raw: str) -> tuple[str, Mapping[str, str]]:
    """Split a ``Content-Type`` into media type and parameters, names in lower case.

    What is not a media type counts as ``application/octet-stream``: a body whose type is unknown
    is not taken for text (RFC 9110 8.3).
    """
    scanner = FieldScanner(raw)
    media_type = scanner.until(";").strip(" \t").lower()
    if not _is_media_type(media_type):
        media_type = DEFAULT_CONTENT_TYPE
    parameters: dict[str, str] = {}
    while scanner.take(";"):
        name, value = scanner.parameter()
        if name and value is not None:
            # The first of two equal names wins, as in browsers.
            parameters.setdefault(name.lower(), value)
        scanner.until(";")
    return media_type, MappingProxyType(parameters)


def _is_media_type(text: str) -> bool:
    kind, slash, subtype = text.partition("/")
    return bool(slash) and is_token(kind) and is_token(subtype)


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


def etag_field(value: ETag | str) -> str:
    """Return the value of an ``ETag`` header (RFC 9110 8.8.3).

    :raises ValueError: *value* is not an entity tag, or the text of one.
    """
    tag = ETag(value) if isinstance(value, str) else value
    if not isinstance(tag, ETag) or not isinstance(tag.value, str):
        raise ValueError(f"Unsupported etag type, pass str, ETag or None: {value!r}")
    if tag.value != ETAG_ANY and not ETAG_VALUE_RE.fullmatch(tag.value):
        raise ValueError(f"{tag.value!r} is not a valid etag: it has quotes or spaces")
    return str(tag)


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
        scanner = FieldScanner(value)
        more = True
        while more:
            element: dict[str, str] = {}
            more = _forwarded_element(scanner, element)
            elements.append(MappingProxyType(element))
    return tuple(elements)


def _forwarded_element(scanner: FieldScanner, element: dict[str, str]) -> bool:
    """Fill *element*; return whether another one follows."""
    while not scanner.ended:
        scanner.spaces()
        # RFC 7239 4: between two semicolons there may be nothing.
        if scanner.take(";"):
            continue
        if scanner.take(","):
            return True
        name = scanner.token()
        if not name or not scanner.take("="):
            break
        value = scanner.quoted_string()
        if value is None:
            value = scanner.token()
            if not value:
                break
        # RFC 7239 6: the port belongs within the quotes, which some leave out or end before it.
        port = _PORT_RE.match(scanner.text, scanner.at)
        if port is not None:
            value += port[0]
            scanner.at = port.end()
        element[name.lower()] = value
        scanner.spaces()
        if scanner.take(","):
            return True
        if not scanner.take(";") and not scanner.ended:
            break
    scanner.until(",")  # what is left of an element that is malformed
    return scanner.take(",")
