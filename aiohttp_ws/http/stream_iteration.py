"""Iterating over what a body or a queue hands out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

__all__ = ("EofStream",)

_T = TypeVar("_T")


class _ReadsChunks(Protocol):
    async def readchunk(self) -> tuple[bytes, bool]: ...


class EofStream(Exception):
    """A :class:`DataQueue` has come to its end; an iteration over it ends."""


class AsyncStreamIterator(Generic[_T]):
    """Iterates over what a method of a reader returns, until that is ``b""``.

    :param read_func: the method; called again and again, until it raises :exc:`EofStream` too.
    """

    __slots__ = ("read_func",)

    def __init__(self, read_func: Callable[[], Awaitable[_T]]) -> None:
        self.read_func = read_func

    def __aiter__(self) -> AsyncStreamIterator[_T]:
        return self

    async def __anext__(self) -> _T:
        try:
            value = await self.read_func()
        except EofStream:
            raise StopAsyncIteration from None
        if value == b"":
            raise StopAsyncIteration
        return value


class ChunkTupleAsyncStreamIterator:
    """Iterates over what :meth:`StreamReader.readchunk` returns.

    :param stream: the reader.
    """

    __slots__ = ("_stream",)

    def __init__(self, stream: _ReadsChunks) -> None:
        self._stream = stream

    def __aiter__(self) -> ChunkTupleAsyncStreamIterator:
        return self

    async def __anext__(self) -> tuple[bytes, bool]:
        piece = await self._stream.readchunk()
        if piece == (b"", False):
            raise StopAsyncIteration
        return piece


def exception_of(
    exc: type[BaseException] | BaseException, cause: BaseException | None
) -> BaseException:
    """Return *exc*, made if it is a class, with *cause* where it has none of its own."""
    exception = exc() if isinstance(exc, type) else exc
    if cause is not None and exception.__cause__ is None:
        exception.__cause__ = cause
    return exception
