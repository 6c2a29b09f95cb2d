"""Queues between a callback that feeds them and one coroutine that reads."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Generic, Protocol, TypeVar

from .stream_iteration import AsyncStreamIterator, EofStream, exception_of

__all__ = ("DataQueue", "FlowControlDataQueue")

_T = TypeVar("_T")


class _Flow(Protocol):
    _reading_paused: bool

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


class DataQueue(Generic[_T]):
    """A queue of messages that one coroutine reads.

    :param loop: its event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._eof = False
        self._waiter: asyncio.Future[None] | None = None
        self._exception: BaseException | None = None
        self._buffer: deque[tuple[_T, int]] = deque()

    def __len__(self) -> int:
        return len(self._buffer)

    def is_eof(self) -> bool:
        """Whether nothing more will be fed."""
        return self._eof

    def at_eof(self) -> bool:
        """Whether nothing more will be fed, and all was read."""
        return self._eof and not self._buffer

    def exception(self) -> BaseException | None:
        """Return what broke the queue off, or ``None``."""
        return self._exception

    def set_exception(
        self, exc: type[BaseException] | BaseException, exc_cause: BaseException | None = None
    ) -> None:
        """Break the queue off: after what is in it, a reader gets *exc*."""
        exception = exception_of(exc, exc_cause)
        self._eof = True
        self._exception = exception
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(exception)

    def feed_data(self, data: _T, size: int = 0) -> None:
        """Add a message.

        :param size: its bytes, for flow control.
        """
        self._buffer.append((data, size))
        self._wake()

    def feed_eof(self) -> None:
        """Mark the end."""
        self._eof = True
        self._wake()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def read(self) -> _T:
        """Return the next message, waiting for it.

        :raises EofStream: at the end.
        """
        return (await self._read())[0]

    async def _read(self) -> tuple[_T, int]:
        if not self._buffer and not self._eof:
            if self._waiter is not None:
                raise RuntimeError("read() called while another coroutine waits for this queue")
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if self._buffer:
            return self._buffer.popleft()
        if self._exception is not None:
            raise self._exception
        raise EofStream

    def __aiter__(self) -> AsyncStreamIterator[_T]:
        """Iterate over the messages."""
        return AsyncStreamIterator(self.read)


class FlowControlDataQueue(DataQueue[_T]):
    """A :class:`DataQueue` that pauses the reading of a connection when it holds too much.

    :param protocol: what is paused and resumed.
    :param limit: half of the bytes that it holds before.
    """

    def __init__(self, protocol: Any, limit: int, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._size = 0
        self._protocol: _Flow = protocol
        self._limit = limit * 2

    def feed_data(self, data: _T, size: int = 0) -> None:
        super().feed_data(data, size)
        self._size += size
        if self._size > self._limit and not self._protocol._reading_paused:
            self._protocol.pause_reading()

    async def read(self) -> _T:
        data, size = await self._read()
        self._size -= size
        if self._size < self._limit and self._protocol._reading_paused:
            self._protocol.resume_reading()
        return data
