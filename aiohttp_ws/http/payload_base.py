"""What every body to send has, and the table that finds one for a value."""

from __future__ import annotations

import enum
import mimetypes
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any, Final

from multidict import CIMultiDict

from .. import hdrs
from .disposition import content_disposition_header
from .given_values import text_of
from .interfaces import AbstractStreamWriter

__all__ = ("LookupError", "Order", "Payload", "PayloadRegistry", "text_type")

_Headers = CIMultiDict[str] | Mapping[str, str] | Iterable[tuple[str, str]] | None


class _Unset(enum.Enum):
    UNSET = enum.auto()


_UNSET: Final = _Unset.UNSET
_LINE_BREAK: Final = re.compile(r"[\r\n\0]")


class LookupError(Exception):
    """No :class:`Payload` is registered for the type of the value."""


class Order(str, enum.Enum):
    """When a registered type is tried: among the others, before them, or after them."""

    normal = "normal"
    try_first = "try_first"
    try_last = "try_last"


class Payload(ABC):
    """One body: its size, its headers and how to write it.

    :param value: the body in the caller's terms.
    :param headers: headers to send with it; a ``Content-Type`` among them counts.
    :param content_type: its media type; without it, guessed from *filename*, or else the
        class's default.
    :param filename: the name to show in ``Content-Disposition``.
    :param encoding: how text becomes bytes.
    """

    _default_content_type: str = "application/octet-stream"
    _size: int | None = None
    _consumed = False
    _autoclose = False

    def __init__(
        self,
        value: Any,
        headers: _Headers = None,
        content_type: str | _Unset | None = _UNSET,
        filename: str | None = None,
        encoding: str | None = None,
        **kwargs: Any,
    ) -> None:
        self._value = value
        self._encoding = encoding
        self._filename = filename
        self._headers: CIMultiDict[str] = CIMultiDict()
        if content_type is _UNSET or content_type is None:
            guessed = mimetypes.guess_type(filename)[0] if filename is not None else None
            content_type = guessed or self._default_content_type
        self._headers[hdrs.CONTENT_TYPE] = text_of(content_type, "content_type")
        if headers:
            self._headers.update(headers)

    @property
    def size(self) -> int | None:
        """How many bytes :meth:`write` writes; ``None`` when that is not known."""
        return self._size

    @property
    def filename(self) -> str | None:
        """The name of the file, or ``None``."""
        return self._filename

    @property
    def headers(self) -> CIMultiDict[str]:
        """The headers that describe the body."""
        return self._headers

    @property
    def _binary_headers(self) -> bytes:
        """The headers as they are sent before a part, with the empty line after them."""
        lines = []
        for name, value in self._headers.items():
            if _LINE_BREAK.search(name) or _LINE_BREAK.search(value):
                raise ValueError(
                    f"header {name!r}: {value!r} holds a line break or NUL: possible header"
                    " injection"
                )
            lines.append(f"{name}: {value}\r\n")
        return "".join((*lines, "\r\n")).encode("utf-8", "surrogateescape")

    @property
    def encoding(self) -> str | None:
        """How text becomes bytes, or ``None`` for bytes."""
        return self._encoding

    @property
    def content_type(self) -> str:
        """The value of the body's ``Content-Type``."""
        return self._headers.get(hdrs.CONTENT_TYPE, self._default_content_type)

    @property
    def consumed(self) -> bool:
        """Whether it was written and cannot be written again."""
        return self._consumed

    @property
    def autoclose(self) -> bool:
        """Whether there is nothing for :meth:`close` to do."""
        return self._autoclose

    def set_content_disposition(
        self,
        disptype: str,
        quote_fields: bool = True,
        _charset: str = "utf-8",
        **params: str,
    ) -> None:
        """Set the ``Content-Disposition`` header (RFC 6266).

        :param quote_fields: percent-encode a ``filename``; when false, only escape quotes.
        :param params: its parameters, such as ``name`` and ``filename``.
        """
        self._headers[hdrs.CONTENT_DISPOSITION] = content_disposition_header(
            disptype, quote_fields, _charset, **params
        )

    @abstractmethod
    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the body as text. Reads a file with the event loop waiting."""

    @abstractmethod
    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write the whole body to *writer*."""

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        """Write at most *content_length* bytes of the body; all of it for ``None``."""
        await self.write(writer)

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Return the body; a file is read in a thread."""
        actual = self._encoding or encoding
        return self.decode(actual, errors).encode(actual, errors)

    def _close(self) -> None:  # noqa: B027 - most hold nothing
        """What :meth:`close` does; overridden by payloads written for aiohttp before 3.12."""

    async def close(self) -> None:
        """Give back what the body holds, such as an open file. Never waits for long."""
        self._close()


class PayloadRegistry:
    """Which :class:`Payload` serves which type of value."""

    __slots__ = ("_exact", "_first", "_last", "_normal")

    def __init__(self) -> None:
        self._first: list[tuple[type[Payload], Any]] = []
        self._normal: list[tuple[type[Payload], Any]] = []
        self._last: list[tuple[type[Payload], Any]] = []
        self._exact: dict[type, type[Payload]] = {}

    def get(self, data: Any, *args: Any, **kwargs: Any) -> Payload:
        """Return the payload for *data*, which may be one already.

        :raises LookupError: when no registered type fits.
        """
        for factory, kind in self._first:
            if isinstance(data, kind):
                return factory(data, *args, **kwargs)
        exact = self._exact.get(type(data))
        if exact is not None:
            return exact(data, *args, **kwargs)
        if isinstance(data, Payload):
            return data
        for factory, kind in chain(self._normal, self._last):
            if isinstance(data, kind):
                return factory(data, *args, **kwargs)
        raise LookupError(
            f"cannot send {type(data).__name__} as a body: pass bytes, str, a file, an"
            " asynchronous iterable or FormData, or register a Payload for it"
        )

    def register(self, factory: type[Payload], type: Any, *, order: Order = Order.normal) -> None:
        """Serve values of *type* (a class or a tuple of classes) with *factory*."""
        if order is Order.try_first:
            self._first.append((factory, type))
        elif order is Order.normal:
            self._normal.append((factory, type))
            # The last one registered for exactly this type serves it, as in aiohttp.
            for kind in type if isinstance(type, Iterable) else (type,):
                self._exact[kind] = factory
        elif order is Order.try_last:
            self._last.append((factory, type))
        else:
            raise ValueError(f"order is {order!r}, pass a member of payload.Order")


def text_type(encoding: str | None, content_type: str | None) -> tuple[str, str]:
    """Complete an encoding and a media type from each other."""
    if content_type is None:
        encoding = encoding or "utf-8"
        return encoding, f"text/plain; charset={encoding}"
    if encoding is None:
        charset = None
        for param in content_type.split(";")[1:]:
            name, _, value = param.partition("=")
            if name.strip().lower() == "charset":
                charset = value.strip().strip('"')
        encoding = charset or "utf-8"
    return encoding, content_type
