"""Bodies to send: what a caller passes as ``data=`` or ``body=`` and how it is written.

:func:`get_payload` finds the :class:`Payload` for a value in :data:`PAYLOAD_REGISTRY`;
:class:`payload_type` adds types of a user's own.
"""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import IO, Any, Final, TypeVar

from ..argument_types import Byteish, JSONEncoder
from .interfaces import AbstractStreamWriter
from .payload_base import LookupError as LookupError
from .payload_base import Order, Payload, PayloadRegistry, text_type
from .payload_files import BufferedReaderPayload, BytesIOPayload, IOBasePayload, TextIOPayload
from .streams import StreamReader

__all__ = (
    "PAYLOAD_REGISTRY",
    "AsyncIterablePayload",
    "BufferedReaderPayload",
    "BytesIOPayload",
    "BytesPayload",
    "IOBasePayload",
    "JsonBytesPayload",
    "JsonPayload",
    "Payload",
    "PayloadRegistry",
    "StreamReaderPayload",
    "StringIOPayload",
    "StringPayload",
    "TextIOPayload",
    "get_payload",
    "payload_type",
    "register_payload",
)

# A body of bytes above this holds up the event loop while it is copied and compressed.
LARGE_BYTES: Final = 1024 * 1024

_T = TypeVar("_T", bound="type[Payload]")


class BytesPayload(Payload):
    """A body that is in memory.

    :param value: ``bytes``, ``bytearray`` or ``memoryview``; must not change until written.
    :raises TypeError: for any other type.
    """

    _value: Byteish
    _autoclose = True

    def __init__(self, value: Byteish, *args: Any, **kwargs: Any) -> None:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise TypeError(f"value is {type(value).__name__}, pass bytes or a str payload")
        # Not guessed from a file name.
        kwargs.setdefault("content_type", self._default_content_type)
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
        self._iter: AsyncIterator[bytes] | None = value.__aiter__()
        self._cached_chunks: list[bytes] | None = None

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
        if self._cached_chunks is not None:
            for chunk in self._cached_chunks:
                yield chunk
            return
        if self._consumed or self._iter is None:
            raise RuntimeError("an asynchronous body can be sent once and was sent already")
        # Also after a write that broke off nothing can be read again.
        self._consumed = True
        async for chunk in self._iter:
            yield chunk
        self._iter = None

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        if self._cached_chunks is None:
            raise TypeError("Unable to decode - content not cached; await as_bytes() first")
        return b"".join(self._cached_chunks).decode(encoding, errors)

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        if self._cached_chunks is None:
            self._cached_chunks = [chunk async for chunk in self._chunks()]
            self._consumed = False
        return b"".join(self._cached_chunks)


class StreamReaderPayload(AsyncIterablePayload):
    """A body that is being received, to be sent on as it comes.

    :param value: a :class:`StreamReader`.
    """

    def __init__(self, value: StreamReader, *args: Any, **kwargs: Any) -> None:
        super().__init__(value.iter_any(), *args, **kwargs)


PAYLOAD_REGISTRY: Final = PayloadRegistry()


def get_payload(data: Any, *args: Any, **kwargs: Any) -> Payload:
    """Return the :class:`Payload` for *data*; the arguments go to its constructor.

    :raises LookupError: when no registered type fits.
    """
    return PAYLOAD_REGISTRY.get(data, *args, **kwargs)


def register_payload(factory: type[Payload], type: Any, *, order: Order = Order.normal) -> None:
    """Let *factory* serve values of *type*, a class or a tuple of classes."""
    PAYLOAD_REGISTRY.register(factory, type, order=order)


class payload_type:
    """A decorator that registers a :class:`Payload` for values of *type*."""

    def __init__(self, type: Any, *, order: Order = Order.normal) -> None:
        self.type = type
        self.order = order

    def __call__(self, factory: _T) -> _T:
        register_payload(factory, self.type, order=self.order)
        return factory


PAYLOAD_REGISTRY.register(BytesPayload, (bytes, bytearray, memoryview))
PAYLOAD_REGISTRY.register(StringPayload, str)
PAYLOAD_REGISTRY.register(StringIOPayload, io.StringIO)
PAYLOAD_REGISTRY.register(BytesIOPayload, io.BytesIO)
PAYLOAD_REGISTRY.register(BufferedReaderPayload, (io.BufferedReader, io.BufferedRandom))
PAYLOAD_REGISTRY.register(TextIOPayload, io.TextIOBase)
PAYLOAD_REGISTRY.register(IOBasePayload, io.IOBase)
PAYLOAD_REGISTRY.register(StreamReaderPayload, StreamReader)
# Last: a type of the user's own may be an asynchronous iterable too.
PAYLOAD_REGISTRY.register(AsyncIterablePayload, AsyncIterable, order=Order.try_last)
