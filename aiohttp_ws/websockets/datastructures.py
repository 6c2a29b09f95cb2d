"""HTTP headers under the names of websockets: a mapping that keeps repeated lines.

:class:`Headers` is what a program sees of a request or a response. It is a thin layer on the
multidict that the HTTP parser fills.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any, Protocol

from multidict import CIMultiDict, MultiMapping

from ..argument_types import RawHeaders
from .exceptions import InvalidHeaderValue

__all__ = ("Headers", "HeadersLike", "MultipleValuesError")

# RFC 9110 5.5: visible characters, spaces, tabs, and bytes above 127, which are opaque.
_is_value = re.compile(r"[\t\x20-\x7e\x80-\xff]*").fullmatch


class MultipleValuesError(LookupError):
    """A header was looked up as one value and has several; ask ``Headers.get_all()``."""

    def __str__(self) -> str:
        # As KeyError does: what is missing in the text is the quotes.
        return repr(self.args[0]) if len(self.args) == 1 else super().__str__()


class SupportsKeysAndGetItem(Protocol):
    """An object that ``dict()`` accepts as a mapping."""

    def keys(self) -> Iterable[str]:
        """Return all names."""

    def __getitem__(self, key: str, /) -> str:
        """Return the value of one."""


class Headers(MutableMapping[str, str]):
    """HTTP headers: a mapping with case-insensitive names, which keeps repeated lines.

    Looking up a name returns its only value, and raises :exc:`KeyError` when there is none and
    :exc:`MultipleValuesError` when there are several: :meth:`get_all` returns them all.
    Assigning *adds* a line; deleting a name deletes all its lines. Iterating yields each name
    once, in lower case; :meth:`raw_items` yields all lines as they were written.

    Bytes above 127 in values are characters of ISO-8859-1, in both directions.

    :param args: nothing, or one mapping, :class:`Headers` or iterable of pairs.
    :param kwargs: further headers.
    :raises InvalidHeaderValue: a value holds a control character, or one beyond ISO-8859-1.
    """

    __slots__ = ("_lines",)

    def __init__(self, *args: HeadersLike, **kwargs: str) -> None:
        self._lines: CIMultiDict[str] = CIMultiDict()
        if args or kwargs:
            self.update(*args, **kwargs)

    @classmethod
    def from_raw(cls, raw_headers: RawHeaders) -> Headers:
        """Make headers of lines that a parser of :mod:`aiohttp_ws.wire` has checked."""
        headers = cls()
        headers._lines.extend(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in raw_headers
        )
        return headers

    @property
    def lines(self) -> MultiMapping[str]:
        """The lines as a multidict, which :mod:`aiohttp_ws.wire.handshake` reads."""
        return self._lines

    def __str__(self) -> str:
        return "".join(f"{name}: {value}\r\n" for name, value in self._lines.items()) + "\r\n"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self._lines.items())!r})"

    def copy(self) -> Headers:
        """Return an independent copy."""
        copied = type(self)()
        copied._lines = self._lines.copy()
        return copied

    def serialize(self) -> bytes:
        """Return all lines as they travel, with the empty line that ends them."""
        return str(self).encode("latin-1")

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key in self._lines

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name.lower() for name in self._lines))

    def __len__(self) -> int:
        return len({name.lower() for name in self._lines})

    def __getitem__(self, key: str) -> str:
        values = self._lines.getall(key)
        if len(values) > 1:
            raise MultipleValuesError(key)
        return values[0]

    def __setitem__(self, key: str, value: str) -> None:
        text = str(value)
        if _is_value(text) is None:
            raise InvalidHeaderValue(key, text)
        self._lines.add(key, text)

    def __delitem__(self, key: str) -> None:
        del self._lines[key]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            return NotImplemented
        return self._values() == other._values()

    __hash__ = None  # type: ignore[assignment]

    def _values(self) -> dict[str, list[str]]:
        return {name: self._lines.getall(name) for name in self}

    def clear(self) -> None:
        """Remove all lines."""
        self._lines.clear()

    def update(self, *args: Any, **kwargs: str) -> None:
        """Add the lines of a mapping, :class:`Headers` or iterable of pairs, and of keywords."""
        taken = (arg.raw_items() if isinstance(arg, Headers) else arg for arg in args)
        super().update(*taken, **kwargs)

    def get_all(self, key: str) -> list[str]:
        """Return all values of a header, in order; an empty list when it is missing."""
        return self._lines.getall(key, [])

    def raw_items(self) -> Iterator[tuple[str, str]]:
        """Return all lines as pairs of name and value, as received or written."""
        return iter(self._lines.items())

    def set_insecure(self, key: str, value: str) -> None:
        """Add a line without checking its value."""
        self._lines.add(key, value)


#: What is accepted where :class:`Headers` are meant.
HeadersLike = Headers | Mapping[str, str] | Iterable[tuple[str, str]] | SupportsKeysAndGetItem
