"""The reading side of a body: pieces go in as they arrive, a coroutine takes them out.

Flow control is up to the code that feeds the reader: above its high-water mark the
reader calls ``pause_reading()``, below the low one ``resume_reading()``.
"""

from __future__ import annotations

import asyncio
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from ..errors import LineTooLong
from ..log import internal_logger
from .stream_iteration import AsyncStreamIterator as AsyncStreamIterator
from .stream_iteration import ChunkTupleAsyncStreamIterator as ChunkTupleAsyncStreamIterator
from .stream_iteration import exception_of

__all__ = ("EMPTY_PAYLOAD", "EmptyStreamReader", "StreamReader")

#: The usual low-water mark, in bytes.
DEFAULT_CHUNK_SIZE = 256 * 1024
_READS_AT_END = 5  # before it is taken for a loop without an end
_LARGE_PIECE = 16 * 1024
_LONG_LINE = 100  # bytes of an over-long line that its error shows


class FlowControl(Protocol):
    """What a reader tells when it has too much, and when it wants more again."""

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


class StreamReader:
    """A body being received; one coroutine reads it.

    :param protocol: told to pause and to resume (:class:`FlowControl`).
    :param limit: the low-water mark in bytes; twice as much pauses the feeding.
    :param timer: a context manager entered while waiting, such as a timeout's.
    :param loop: the event loop; the running one by default.

    Every reading method raises the exception that broke the body off, if one did.
    """

    __slots__ = (
        "__weakref__",
        "_buffer",
        "_buffer_offset",
        "_eof",
        "_eof_callbacks",
        "_eof_counter",
        "_eof_waiter",
        "_exception",
        "_high_water",
        "_high_water_chunks",
        "_http_chunk_splits",
        "_loop",
        "_low_water",
        "_low_water_chunks",
        "_paused",
        "_protocol",
        "_size",
        "_timer",
        "_waiter",
        "total_bytes",
        "total_raw_bytes",
    )

    def __init__(
        self,
        protocol: FlowControl,
        limit: int,
        *,
        timer: AbstractContextManager[Any] | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._protocol = protocol
        self._low_water = limit
        self._high_water = limit * 2
        # As many ends of chunks are kept before the feeding pauses.
        self._high_water_chunks = max(4, limit // 16)
        self._low_water_chunks = self._high_water_chunks // 2
        self._loop = asyncio.get_event_loop() if loop is None else loop
        self._timer = timer
        self._buffer: deque[bytes] = deque()
        self._buffer_offset = 0  # how much of the first piece was read
        self._size = 0
        self._eof = False
        self._paused = False
        self._exception: BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._eof_waiter: asyncio.Future[None] | None = None
        self._eof_counter = 0
        self._http_chunk_splits: deque[int] | None = None
        self._eof_callbacks: list[Callable[[], None]] = []
        #: Bytes of body fed so far, after decoding.
        self.total_bytes = 0
        #: Bytes of body received so far, before decoding.
        self.total_raw_bytes = 0

    def __repr__(self) -> str:
        parts = [type(self).__name__]
        if self._size:
            parts.append(f"{self._size} bytes")
        if self._eof:
            parts.append("eof")
        if self._low_water != DEFAULT_CHUNK_SIZE:
            parts.append(f"low={self._low_water} high={self._high_water}")
        if self._waiter is not None:
            parts.append(f"w={self._waiter!r}")
        if self._exception is not None:
            parts.append(f"e={self._exception!r}")
        return f"<{' '.join(parts)}>"

    # ------------------------------------------------------------------------- state

    @property
    def total_compressed_bytes(self) -> int | None:
        """Bytes received when the body was decoded on the way, else ``None``."""
        return self.total_raw_bytes if self.total_raw_bytes != self.total_bytes else None

    def get_read_buffer_limits(self) -> tuple[int, int]:
        """Return the low- and high-water marks in bytes."""
        return self._low_water, self._high_water

    def set_read_chunk_size(self, n: int) -> None:
        """Hold at least *n* bytes before pausing, for a reader that takes *n* at a time."""
        if n > self._low_water:
            self._low_water = n
            self._high_water = n * 2

    def exception(self) -> BaseException | None:
        """Return what broke the body off, or ``None``."""
        return self._exception

    def is_eof(self) -> bool:
        """Whether the whole body has been fed."""
        return self._eof

    def at_eof(self) -> bool:
        """Whether the whole body has been read."""
        return self._eof and not self._size

    def on_eof(self, callback: Callable[[], None]) -> None:
        """Call *callback* when the whole body has been fed; at once if it has.

        What it raises is logged.
        """
        if self._eof:
            _call(callback)
        else:
            self._eof_callbacks.append(callback)

    # ----------------------------------------------------------------------- feeding

    def feed_data(self, data: bytes, size: int = 0) -> bool:
        """Add a piece of body.

        :param size: not used.
        :returns: ``False``, as aiohttp does.
        """
        if not data:
            return False
        self._buffer.append(data)
        self._size += len(data)
        self.total_bytes += len(data)
        self._wake()
        if not self._paused and (
            self._size > self._high_water
            or (
                self._http_chunk_splits is not None
                and len(self._http_chunk_splits) > self._high_water_chunks
            )
        ):
            self._paused = True
            self._protocol.pause_reading()
        return False

    def feed_raw(self, data: bytes, chunk_ends: Sequence[int] | None) -> None:
        """Add a piece of body as it was received, and where chunks end in it."""
        if chunk_ends is not None:
            self.mark_chunk_ends(chunk_ends)
        self.total_raw_bytes += len(data)
        self.feed_data(data)

    def mark_chunk_ends(self, ends: Sequence[int]) -> None:
        """Tell where chunks of the transfer coding end in the piece that is fed next.

        :param ends: offsets into it, ascending.
        """
        if self._http_chunk_splits is None:
            self._http_chunk_splits = deque()
        fed = self.total_bytes
        self._http_chunk_splits.extend([fed + end for end in ends])

    def feed_eof(self) -> None:
        """Mark the end of the body."""
        self._eof = True
        self._wake()
        if self._paused:
            # What is left to read is here; what feeds this may go on to something else.
            self._paused = False
            self._protocol.resume_reading()
        if self._eof_waiter is not None:
            _settle(self._eof_waiter)
            self._eof_waiter = None
        if self._eof_callbacks:
            callbacks, self._eof_callbacks = self._eof_callbacks, []
            for callback in callbacks:
                _call(callback)

    def set_exception(
        self, exc: type[BaseException] | BaseException, exc_cause: BaseException | None = None
    ) -> None:
        """Break the body off: every reader gets *exc*."""
        exception = exception_of(exc, exc_cause)
        self._exception = exception
        self._eof_callbacks.clear()
        for waiter in (self._waiter, self._eof_waiter):
            if waiter is not None and not waiter.done():
                waiter.set_exception(exception)
        self._waiter = self._eof_waiter = None

    def unread_data(self, data: bytes) -> None:
        """Put *data* back in front of what is left. Deprecated."""
        warnings.warn(
            "unread_data() is deprecated and will be removed: keep what you need of what was read",
            DeprecationWarning,
            stacklevel=2,
        )
        self.put_back(data)

    def put_back(self, data: bytes) -> None:
        """Put *data* back in front of what is left."""
        if not data:
            return
        self._eof_counter = 0
        start = self._buffer_offset - len(data)
        if start >= 0 and self._buffer[0].startswith(data, start):
            self._buffer_offset = start  # what was just read: nothing to copy
        else:
            self._drop_read_part()
            self._buffer.appendleft(data)
        self._size += len(data)
        self._wake()

    def begin_http_chunk_receiving(self) -> None:
        """Tell that a chunk of the transfer coding begins, for :meth:`readchunk`."""
        if self._http_chunk_splits is None:
            self._http_chunk_splits = deque()

    def end_http_chunk_receiving(self) -> None:
        """Tell that the chunk ends here."""
        if self._http_chunk_splits is None:
            raise RuntimeError("begin_http_chunk_receiving() was not called")
        last = self._http_chunk_splits[-1] if self._http_chunk_splits else 0
        if self.total_bytes > last:
            self._http_chunk_splits.append(self.total_bytes)
            if not self._paused and len(self._http_chunk_splits) > self._high_water_chunks:
                self._paused = True
                self._protocol.pause_reading()
            self._wake()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            _settle(waiter)

    # ----------------------------------------------------------------------- reading

    async def _wait(self, reader: str) -> None:
        if self._waiter is not None:
            raise RuntimeError(f"{reader}() called while another coroutine waits for this body")
        waiter = self._waiter = self._loop.create_future()
        try:
            if self._timer is None:
                await waiter
            else:
                with self._timer:
                    await waiter
        finally:
            self._waiter = None

    def _raise_if_broken(self) -> None:
        if self._exception is not None:
            raise self._exception

    async def _more(self, reader: str) -> bool:
        """Wait until something is there to read; return whether it is."""
        self._raise_if_broken()
        while not self._size and not self._eof:
            await self._wait(reader)
            self._raise_if_broken()
        return self._size > 0

    def _drop_read_part(self) -> None:
        if self._buffer_offset:
            self._buffer[0] = self._buffer[0][self._buffer_offset :]
            self._buffer_offset = 0

    def _take_piece(self, limit: int) -> bytes:
        """Take the first piece, or its first *limit* bytes; -1 for no limit."""
        piece = self._buffer[0]
        start = self._buffer_offset
        if limit < 0 or len(piece) - start <= limit:
            self._buffer.popleft()
            self._buffer_offset = 0
            data = piece[start:] if start else piece
        else:
            data = piece[start : start + limit]
            self._buffer_offset = start + limit
        self._size -= len(data)
        if self._http_chunk_splits:
            self._forget_chunk_ends()
        if (
            self._paused
            and self._size < self._low_water
            and (
                self._http_chunk_splits is None
                or len(self._http_chunk_splits) < self._low_water_chunks
            )
        ):
            self._paused = False
            self._protocol.resume_reading()
        return data

    def _forget_chunk_ends(self) -> None:
        assert self._http_chunk_splits is not None
        read = self.total_bytes - self._size
        while self._http_chunk_splits and self._http_chunk_splits[0] < read:
            self._http_chunk_splits.popleft()

    def _take(self, limit: int) -> bytes:
        """Take up to *limit* bytes of what is there; all of it for -1."""
        if not self._size or limit == 0:
            return b""
        left = self._size if limit < 0 else min(limit, self._size)
        piece = self._take_piece(left)
        if len(piece) == left:
            return piece
        pieces = [piece]
        left -= len(piece)
        while left:
            piece = self._take_piece(left)
            left -= len(piece)
            pieces.append(piece)
        return b"".join(pieces)

    def take_complete(self) -> bytes | None:
        """Take the rest of a body, if all of it has arrived, without a coroutine; else ``None``."""
        if not self._eof or self._exception is not None:
            return None
        pieces = self._buffer
        if len(pieces) != 1 or self._buffer_offset or self._http_chunk_splits:
            return self._take(-1)
        self._size = 0
        return pieces.popleft()

    async def receive_whole(self) -> None:
        """Wait for the rest of a body as one piece, where what feeds this can receive it so."""

    def _take_some(self, limit: int) -> bytes:
        """Take up to *limit* bytes, -1 for no limit; a large piece is not copied to join it."""
        if self._size and len(self._buffer[0]) - self._buffer_offset >= _LARGE_PIECE:
            return self._take_piece(limit)
        return self._take(limit)

    async def read(self, n: int = -1) -> bytes:
        """Return up to *n* bytes, ``b""`` at the end; the whole rest of the body for -1."""
        self._raise_if_broken()
        if self._eof and not self._size:
            self._note_read_at_end()
            return b""
        if n >= 0:
            if n == 0 or not await self._more("read"):
                return b""
            return self._take_some(n)
        pieces: list[bytes] = []
        while await self._more("read"):
            self._drop_read_part()
            # All but the last by hand: joining them here would copy them twice.
            while len(self._buffer) > 1:
                piece = self._buffer.popleft()
                self._size -= len(piece)
                pieces.append(piece)
            pieces.append(self._take_piece(-1))
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _note_read_at_end(self) -> None:
        self._eof_counter += 1
        if self._eof_counter > _READS_AT_END:
            internal_logger.warning(
                "read() of a body at its end, again and again: is the end not tested for?",
                stack_info=True,
            )

    async def readany(self) -> bytes:
        """Return whatever has arrived, waiting for the first byte; ``b""`` at the end."""
        await self._more("readany")
        return self._take_some(-1)

    async def readexactly(self, n: int) -> bytes:
        """Return exactly *n* bytes.

        :raises asyncio.IncompleteReadError: when the body ends before.
        """
        pieces: list[bytes] = []
        left = n
        while left > 0:
            if not await self._more("readexactly"):
                partial = b"".join(pieces)
                raise asyncio.IncompleteReadError(partial, n)
            pieces.append(self._take(left))
            left -= len(pieces[-1])
        return b"".join(pieces)

    async def readline(self, *, max_line_length: int | None = None) -> bytes:
        """Return a line with its ``\\n``, or what is left at the end.

        :raises LineTooLong: beyond *max_line_length* bytes (the high-water mark by default).
        """
        return await self.readuntil(max_size=max_line_length)

    async def readuntil(self, separator: bytes = b"\n", *, max_size: int | None = None) -> bytes:
        """Return what precedes *separator*, and it; or what is left at the end.

        :raises LineTooLong: beyond *max_size* bytes (the high-water mark by default).
        """
        if not separator:
            raise ValueError("separator is empty, pass at least one byte")
        limit = max_size or self._high_water
        if not await self._more("readuntil"):
            return b""
        size = self._line_in_piece(separator, b"")
        if size:  # the usual case: all of it in one piece, of which nothing else is touched
            line = self._take_piece(size)
            if len(line) > limit:
                raise _too_long(line, limit)
            return line
        found = bytearray(self._take_piece(-1))
        while not size and len(found) <= limit and await self._more("readuntil"):
            size = self._line_in_piece(separator, found)
            found += self._take_piece(size or -1)
        if len(found) > limit:
            raise _too_long(found, limit)
        return bytes(found)

    def _line_in_piece(self, separator: bytes, found: bytes | bytearray) -> int:
        """How much of the first piece a line takes that began with *found*; 0 for all of it."""
        piece, start = self._buffer[0], self._buffer_offset
        length = len(separator)
        if found and length > 1:
            # The separator may have begun in the pieces before.
            seam = bytes(found[1 - length :])
            at = (seam + piece[start : start + length - 1]).find(separator)
            if at >= 0:
                return at + length - len(seam)
        at = piece.find(separator, start)
        return at + length - start if at >= 0 else 0

    async def readchunk(self) -> tuple[bytes, bool]:
        """Return data as it arrived, and whether a chunk of the transfer coding ends with it.

        ``(b"", False)`` is the end.
        """
        self._raise_if_broken()
        while not self._http_chunk_splits and not self._size and not self._eof:
            await self._wait("readchunk")
            self._raise_if_broken()
        if self._http_chunk_splits:
            end = self._http_chunk_splits.popleft()
            return self._take(end - (self.total_bytes - self._size)), True
        return (self._take_piece(-1) if self._size else b""), False

    def read_nowait(self, n: int = -1) -> bytes:
        """Return up to *n* bytes of what has arrived, without waiting; maybe ``b""``.

        :raises RuntimeError: when a coroutine waits for this body.
        """
        self._raise_if_broken()
        if self._waiter is not None and not self._waiter.done():
            raise RuntimeError("read_nowait() called while a coroutine waits for this body")
        return self._take(n)

    async def wait_eof(self) -> None:
        """Wait until the whole body has been fed; meanwhile it may be read."""
        self._raise_if_broken()
        if self._eof:
            return
        if self._eof_waiter is not None:
            raise RuntimeError(
                "wait_eof() called while another coroutine waits for this body's end"
            )
        self._eof_waiter = self._loop.create_future()
        try:
            await self._eof_waiter
        finally:
            self._eof_waiter = None

    # --------------------------------------------------------------------- iterating

    def __aiter__(self) -> AsyncStreamIterator[bytes]:
        """Iterate over lines."""
        return AsyncStreamIterator(self.readline)

    def iter_chunked(self, n: int) -> AsyncStreamIterator[bytes]:
        """Iterate over pieces of at most *n* bytes."""
        self.set_read_chunk_size(n)
        return AsyncStreamIterator(lambda: self.read(n))

    def iter_any(self) -> AsyncStreamIterator[bytes]:
        """Iterate over whatever has arrived."""
        return AsyncStreamIterator(self.readany)

    def iter_chunks(self) -> ChunkTupleAsyncStreamIterator:
        """Iterate over what :meth:`readchunk` returns."""
        return ChunkTupleAsyncStreamIterator(self)


def _settle(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _call(callback: Callable[[], None]) -> None:
    try:
        callback()
    except Exception:
        internal_logger.exception("error in a callback for the end of a body")


def _too_long(line: bytes | bytearray, limit: int) -> LineTooLong:
    return LineTooLong(
        f"line of more than {limit} bytes: {bytes(line[:_LONG_LINE])!r};"
        " raise max_line_length to accept it"
    )


class _NoFlow:
    def pause_reading(self) -> None:
        """Nothing is fed."""

    def resume_reading(self) -> None:
        """Nothing is fed."""


#: For a body that is all there.
NO_FLOW = _NoFlow()


class EmptyStreamReader(StreamReader):
    """The body of a message that has none: at its end from the start."""

    __slots__ = ()

    def __init__(self) -> None:
        # No loop: nothing ever waits, and one instance serves all loops.
        super().__init__(NO_FLOW, 0, loop=NotImplemented)
        self._eof = True

    def __repr__(self) -> str:
        return "<EmptyStreamReader>"

    def set_exception(
        self, exc: type[BaseException] | BaseException, exc_cause: BaseException | None = None
    ) -> None:
        """Do nothing: a message without a body has nothing to break off."""

    def _note_read_at_end(self) -> None:
        """Do nothing: many bodies are this one."""

    def feed_data(self, data: bytes, size: int = 0) -> bool:
        """Do nothing."""
        return False

    def feed_eof(self) -> None:
        """Do nothing."""


EMPTY_PAYLOAD = EmptyStreamReader()
