"""The body of a request between the parser and the handler: decoding, back-pressure, limits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import ContentEncodingError, RequestPayloadError
from ..http.codings import is_supported
from ..http.compression import Decompressor
from ..http.streams import StreamReader

if TYPE_CHECKING:
    from .connection import RequestHandler
    from .request_head import AnyRequestHead

__all__ = ("BodyReader", "InflatingReader", "make_body")

# Bytes inflated at a time, so that a small read cannot fill the memory.
INFLATE_STEP = 64 * 1024


class BodyReader(StreamReader):
    """A request's body; asks the client to send it when it is first waited for.

    :param protocol: the connection.
    :param limit: the low-water mark in bytes.
    """

    __slots__ = ("_connection",)

    def __init__(
        self, protocol: RequestHandler, limit: int, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(protocol, limit, loop=loop)
        self._connection = protocol

    async def _wait(self, reader: str) -> None:
        self._connection.send_continue()
        await super()._wait(reader)

    async def receive_whole(self) -> None:
        if self._size != self.total_bytes or self._waiter is not None or self._exception:
            return
        connection = self._connection
        connection.send_continue()
        if not connection.begin_whole(self._buffer):
            return
        self._buffer.clear()
        self._size = 0
        if self._paused:
            self._paused = False
            connection.resume_reading()
        try:
            while not self._eof:
                await self._wait("read")
                self._raise_if_broken()
        finally:
            # Whoever is cancelled here may read on afterwards.
            if part := connection.end_whole():
                self.take_whole(part)

    def take_whole(self, data: bytes) -> None:
        """Take all that has come of the body so far."""
        self._buffer.append(data)
        self._size = self.total_bytes = self.total_raw_bytes = len(data)

    def receive(self, data: bytes) -> None:
        """Take a piece of body as it came."""
        self.total_raw_bytes += len(data)
        self.feed_data(data)

    def finish(self) -> None:
        """The body is complete."""
        self.feed_eof()

    def discard(self) -> None:
        """Drop what was received and not read."""
        self._buffer.clear()
        self._http_chunk_splits = None
        self._buffer_offset = 0
        self._size = 0
        self._paused = False


class InflatingReader(BodyReader):
    """A compressed body, inflated no faster than it is read.

    :param encoding: the content coding, one that :func:`is_supported`.
    """

    __slots__ = ("_complete", "_decompressor", "_encoding", "_ends")

    def __init__(
        self,
        protocol: RequestHandler,
        limit: int,
        loop: asyncio.AbstractEventLoop,
        encoding: str,
    ) -> None:
        super().__init__(protocol, limit, loop)
        # The reader paces the inflating, and the inflating paces the socket.
        self._protocol = self
        self._decompressor = Decompressor(encoding)
        self._encoding = encoding
        self._complete = False
        self._ends: Sequence[int] = ()

    async def receive_whole(self) -> None:
        """Do nothing: what is received is not what is read."""

    def pause_reading(self) -> None:
        self._connection.pause_reading()

    def resume_reading(self) -> None:
        self._inflate(b"")
        if not self._paused and not self._complete:
            self._connection.resume_reading()

    def mark_chunk_ends(self, ends: Sequence[int]) -> None:
        self._ends = ends

    def receive(self, data: bytes) -> None:
        self.total_raw_bytes += len(data)
        if self._ends:
            self.begin_http_chunk_receiving()
            # Where the others end in the inflated body is not known.
            if self._ends[-1] != len(data):
                self._ends = ()
        self._inflate(data)

    def finish(self) -> None:
        self._complete = True
        if not self._decompressor.unconsumed:
            self._end()

    def _end(self) -> None:
        if self._decompressor.complete:
            self.feed_eof()
        else:
            self._fail(ContentEncodingError(f"{self._encoding} body ends too early"))

    def _fail(self, error: ContentEncodingError) -> None:
        self.set_exception(RequestPayloadError(str(error)), error)

    def _inflate(self, data: bytes) -> None:
        if self._exception is not None or self._eof:
            return
        decompressor = self._decompressor
        try:
            while True:
                self.feed_data(decompressor.decompress(data, INFLATE_STEP))
                data = b""
                if self._paused or not decompressor.unconsumed:
                    break
            if self._ends and not decompressor.unconsumed:
                self._ends = ()
                self.end_http_chunk_receiving()
        except ContentEncodingError as exc:
            self._fail(exc)
            return
        if self._complete and not decompressor.unconsumed:
            self._end()


def make_body(
    connection: RequestHandler,
    head: AnyRequestHead,
    limit: int,
    loop: asyncio.AbstractEventLoop,
    auto_decompress: bool,
) -> BodyReader:
    """Return the reader for the body that *head* announces."""
    encoding = head.content_encoding if auto_decompress else None
    if encoding is not None and is_supported(encoding):
        return InflatingReader(connection, limit, loop, encoding)
    return BodyReader(connection, limit, loop)
