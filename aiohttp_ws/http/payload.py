"""Bodies to send: what a caller passes as ``data=`` or ``body=`` and how it is written.

:func:`get_payload` finds the :class:`Payload` for a value in :data:`PAYLOAD_REGISTRY`;
:class:`payload_type` adds types of a user's own.
"""

from __future__ import annotations

import asyncio
import enum
import io
import json
import mimetypes
import os
import warnings
from abc import ABC, abstractmethod
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping
from itertools import chain
from typing import IO, Any, Final, TypeVar

from multidict import CIMultiDict

from .. import hdrs
from ..abc import AbstractStreamWriter
from ..typedefs import Byteish, JSONEncoder
from .disposition import content_disposition_header

__all__ = (
    "PAYLOAD_REGISTRY",
    "AsyncIterablePayload",
    "BufferedReaderPayload",
    "BytesIOPayload",
    "BytesPayload",
    "IOBasePayload",
    "JsonBytesPayload",
    "JsonPayload",
    "LookupError",
    "Order",
    "Payload",
    "PayloadRegistry",
    "StringIOPayload",
    "StringPayload",
    "TextIOPayload",
    "get_payload",
    "payload_type",
)

# Files are read this much at a time: large enough to spare trips to the thread pool.
CHUNK_SIZE: Final = 256 * 1024
# A body of bytes above this holds up the event loop while it is copied and compressed.
LARGE_BYTES: Final = 1024 * 1024

_T = TypeVar("_T", bound="type[Payload]")
_Headers = CIMultiDict[str] | Mapping[str, str] | Iterable[tuple[str, str]] | None


class _Unset(enum.Enum):
    UNSET = enum.auto()


_UNSET: Final = _Unset.UNSET


class LookupError(Exception):
    """No :class:`Payload` is registered for the type of the value."""


class Order(enum.Enum):
    """When a registered type is tried: among the others, before them, or after them."""

    normal = "normal"
    try_first = "try_first"
    try_last = "try_last"


class Payload(ABC):
    """One body: its size, its headers and how to write it.

    :param value: the body in the caller's terms.
    :param headers: headers to send with it, before those that the payload sets itself.
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
        self._headers: CIMultiDict[str] = CIMultiDict(headers or ())
        if content_type is None or (content_type is _UNSET and hdrs.CONTENT_TYPE in self._headers):
            return
        if content_type is _UNSET:
            guessed = mimetypes.guess_type(filename)[0] if filename is not None else None
            content_type = guessed or self._default_content_type
        self._headers[hdrs.CONTENT_TYPE] = str(content_type)

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
        self, disptype: str, quote_fields: bool = True, **params: str
    ) -> None:
        """Set the ``Content-Disposition`` header (RFC 6266)."""
        self._headers[hdrs.CONTENT_DISPOSITION] = content_disposition_header(
            disptype, quote_fields, params
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
        return self.decode(encoding, errors).encode(self._encoding or encoding, errors)

    async def close(self) -> None:  # noqa: B027 - most hold nothing
        """Give back what the body holds, such as an open file. Never waits for long."""


class BytesPayload(Payload):
    """A body that lies in memory.

    :param value: ``bytes``, ``bytearray`` or ``memoryview``; must not change until written.
    :raises TypeError: for any other type.
    """

    _value: Byteish
    _autoclose = True

    def __init__(self, value: Byteish, *args: Any, **kwargs: Any) -> None:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise TypeError(f"value is {type(value).__name__}, pass bytes or a str payload")
        if "content_type" not in kwargs and hdrs.CONTENT_TYPE not in (kwargs.get("headers") or ()):
            kwargs["content_type"] = self._default_content_type
        super().__init__(value, *args, **kwargs)
        self._size = value.nbytes if isinstance(value, memoryview) else len(value)
        if self._size > LARGE_BYTES:
            warnings.warn(
                f"a body of {self._size} bytes in one object holds up the event loop while it"
                " is sent; pass an open file or io.BytesIO",
                ResourceWarning,
                source=self,
                stacklevel=2,
            )

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return bytes(self._value).decode(encoding, errors)

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return bytes(self._value)

    async def write(self, writer: AbstractStreamWriter) -> None:
        await writer.write(self._value)

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        if content_length is None:
            await writer.write(self._value)
        else:
            await writer.write(memoryview(self._value).cast("B")[:content_length])


class StringPayload(BytesPayload):
    """Text, encoded at once.

    :param encoding: UTF-8 by default, or the ``charset`` of *content_type*.
    """

    def __init__(
        self,
        value: str,
        *args: Any,
        encoding: str | None = None,
        content_type: str | None = None,
        **kwargs: Any,
    ) -> None:
        encoding, content_type = text_type(encoding, content_type)
        super().__init__(
            value.encode(encoding), *args, encoding=encoding, content_type=content_type, **kwargs
        )


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


class JsonPayload(BytesPayload):
    """A value as JSON text.

    :param dumps: makes the text; :func:`json.dumps` by default.
    """

    def __init__(
        self,
        value: Any,
        encoding: str = "utf-8",
        content_type: str = "application/json",
        dumps: JSONEncoder = json.dumps,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            dumps(value).encode(encoding),
            *args,
            content_type=content_type,
            encoding=encoding,
            **kwargs,
        )


class JsonBytesPayload(BytesPayload):
    """A value as JSON, from an encoder that returns bytes, such as orjson's.

    :param dumps: makes the bytes.
    """

    def __init__(
        self,
        value: Any,
        dumps: Callable[[Any], bytes],
        content_type: str = "application/json",
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(dumps(value), *args, content_type=content_type, encoding="utf-8", **kwargs)


class IOBasePayload(Payload):
    """An open file, read in a thread from its current position to its end.

    The file is closed by :meth:`close`, which the client calls after the request.

    :param disposition: the type of the ``Content-Disposition`` that a named file gets;
        ``None`` for no such header.
    """

    _value: IO[Any]
    _start: int | None = None

    def __init__(
        self, value: IO[Any], disposition: str | None = "attachment", *args: Any, **kwargs: Any
    ) -> None:
        kwargs.setdefault("filename", named(value))
        super().__init__(value, *args, **kwargs)
        if (
            self._filename is not None
            and disposition is not None
            and hdrs.CONTENT_DISPOSITION not in self._headers
        ):
            self.set_content_disposition(disposition, filename=self._filename)

    def _rewind(self) -> None:
        # A redirect sends the body again from where the caller's file stood.
        try:
            if self._start is None:
                self._start = self._value.tell()
            else:
                self._value.seek(self._start)
        except (OSError, AttributeError):  # io.UnsupportedOperation is an OSError
            self._consumed = True

    def _read(self, length: int | None) -> bytes:
        chunk: bytes = self._value.read(CHUNK_SIZE if length is None else min(CHUNK_SIZE, length))
        return chunk

    def _begin(self, length: int | None) -> bytes:
        self._rewind()
        return self._read(length)

    @property
    def size(self) -> int | None:
        try:
            if self._start is None:
                self._start = self._value.tell()
            return os.fstat(self._value.fileno()).st_size - self._start
        except (OSError, AttributeError):
            return None

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return self._read_all().decode(encoding, errors)

    def _read_all(self) -> bytes:
        self._rewind()
        whole: bytes = self._value.read()
        return whole

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return await asyncio.get_running_loop().run_in_executor(None, self._read_all)

    async def write(self, writer: AbstractStreamWriter) -> None:
        await self.write_with_length(writer, None)

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        loop = asyncio.get_running_loop()
        left = content_length
        chunk = await loop.run_in_executor(None, self._begin, left)
        while chunk and (left is None or left > 0):
            if left is not None:
                chunk = chunk[:left]
                left -= len(chunk)
            await writer.write(chunk)
            chunk = await loop.run_in_executor(None, self._read, left)

    async def close(self) -> None:
        # Closing may flush to a slow disk: in a thread, and not waited for.
        if not self._value.closed:
            asyncio.get_running_loop().run_in_executor(None, self._value.close)


def named(value: Any) -> str | None:
    """The name of an open file, without its directory; ``None`` for one without a name."""
    name = getattr(value, "name", None)
    if isinstance(name, str) and name and not (name[0] == "<" and name[-1] == ">"):
        return os.path.basename(name)
    return None


class BufferedReaderPayload(IOBasePayload):
    """A file opened for reading bytes."""


class BytesIOPayload(IOBasePayload):
    """Bytes in an :class:`io.BytesIO`, which stays open."""

    _value: io.BytesIO
    _autoclose = True

    @property
    def size(self) -> int:
        if self._start is None:
            self._start = self._value.tell()
        return self._value.getbuffer().nbytes - self._start

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return self._read_all()

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        left = content_length
        self._rewind()
        while (left is None or left > 0) and (chunk := self._read(left)):
            if left is not None:
                left -= len(chunk)
            await writer.write(chunk)

    async def close(self) -> None:
        """Nothing to do: the caller's object costs no descriptor and may be sent again."""


class TextIOPayload(IOBasePayload):
    """A file opened for reading text, encoded piece by piece.

    Its size is not known beforehand: line ends and encodings change it.
    """

    _value: IO[str]

    def __init__(
        self,
        value: IO[str],
        *args: Any,
        encoding: str | None = None,
        content_type: str | None = None,
        **kwargs: Any,
    ) -> None:
        encoding, content_type = text_type(encoding, content_type)
        super().__init__(value, *args, content_type=content_type, encoding=encoding, **kwargs)

    @property
    def size(self) -> int | None:
        return None

    def _encode(self, text: str) -> bytes:
        return text.encode(self._encoding or "utf-8")

    def _read(self, length: int | None) -> bytes:
        return self._encode(self._value.read(CHUNK_SIZE))

    def _read_all(self) -> bytes:
        self._rewind()
        return self._encode(self._value.read())


class StringIOPayload(StringPayload):
    """Text in an :class:`io.StringIO`, from its current position."""

    def __init__(self, value: IO[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(value.read(), *args, **kwargs)


class AsyncIterablePayload(Payload):
    """Pieces of bytes from an asynchronous generator, written as they come.

    It can be written once: a request with such a body cannot follow a redirect that
    repeats it.

    :raises TypeError: when *value* is not an asynchronous iterable.
    """

    _value: AsyncIterable[bytes]
    _autoclose = True

    def __init__(self, value: AsyncIterable[bytes], *args: Any, **kwargs: Any) -> None:
        if not isinstance(value, AsyncIterable):
            raise TypeError(f"value is {type(value).__name__}, pass an asynchronous iterable")
        super().__init__(value, *args, **kwargs)
        self._iterator: AsyncIterator[bytes] | None = None
        self._cached: list[bytes] | None = None

    async def write(self, writer: AbstractStreamWriter) -> None:
        await self.write_with_length(writer, None)

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        left = content_length
        async for chunk in self._chunks():
            if left is not None:
                chunk = chunk[:left]
                left -= len(chunk)
            await writer.write(chunk)
            if left == 0:
                break

    async def _chunks(self) -> AsyncIterator[bytes]:
        if self._cached is not None:
            for chunk in self._cached:
                yield chunk
            return
        if self._consumed:
            raise RuntimeError("an asynchronous body can be sent once and was sent already")
        self._consumed = True
        async for chunk in self._value:
            yield chunk

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        if self._cached is None:
            raise TypeError("an asynchronous body cannot be read here; await as_bytes() first")
        return b"".join(self._cached).decode(encoding, errors)

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        if self._cached is None:
            self._cached = [chunk async for chunk in self._chunks()]
            self._consumed = False
        return b"".join(self._cached)


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
        if isinstance(data, Payload):
            return data
        factory = self._exact.get(type(data))
        if factory is None:
            for candidate, kind in chain(self._first, self._normal, self._last):
                if isinstance(data, kind):
                    factory = candidate
                    break
            else:
                raise LookupError(
                    f"cannot send {type(data).__name__} as a body: pass bytes, str, a file, an"
                    " asynchronous iterable or FormData, or register a Payload for it"
                )
        return factory(data, *args, **kwargs)

    def register(self, factory: type[Payload], type: Any, *, order: Order = Order.normal) -> None:
        """Serve values of *type* (a class or a tuple of classes) with *factory*."""
        if order is Order.try_first:
            # What is tried first outranks the exact matches known so far.
            self._exact.clear()
            self._first.append((factory, type))
        elif order is Order.normal:
            self._normal.append((factory, type))
            for kind in type if isinstance(type, tuple) else (type,):
                if not self._first:
                    self._exact.setdefault(kind, factory)
        elif order is Order.try_last:
            self._last.append((factory, type))
        else:
            raise ValueError(f"order is {order!r}, pass a member of payload.Order")


PAYLOAD_REGISTRY: Final = PayloadRegistry()


def get_payload(data: Any, *args: Any, **kwargs: Any) -> Payload:
    """Return the :class:`Payload` for *data*; the arguments go to its constructor.

    :raises LookupError: when no registered type fits.
    """
    return PAYLOAD_REGISTRY.get(data, *args, **kwargs)


class payload_type:
    """A decorator that registers a :class:`Payload` for values of *type*."""

    def __init__(self, type: Any, *, order: Order = Order.normal) -> None:
        self.type = type
        self.order = order

    def __call__(self, factory: _T) -> _T:
        PAYLOAD_REGISTRY.register(factory, self.type, order=self.order)
        return factory


PAYLOAD_REGISTRY.register(BytesPayload, (bytes, bytearray, memoryview))
PAYLOAD_REGISTRY.register(StringPayload, str)
PAYLOAD_REGISTRY.register(StringIOPayload, io.StringIO)
PAYLOAD_REGISTRY.register(BytesIOPayload, io.BytesIO)
PAYLOAD_REGISTRY.register(BufferedReaderPayload, (io.BufferedReader, io.BufferedRandom))
PAYLOAD_REGISTRY.register(TextIOPayload, io.TextIOBase)
PAYLOAD_REGISTRY.register(IOBasePayload, io.IOBase)
# Last: a type of the user's own may be an asynchronous iterable too.
PAYLOAD_REGISTRY.register(AsyncIterablePayload, AsyncIterable, order=Order.try_last)
